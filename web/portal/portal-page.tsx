// The portal: who I am, a card for each of my agents, what gateways are told about me, and where I am signed in.
import type { MeAnswer } from "../../core/api.ts";
import { readContact } from "../page/contact.ts";
import { loginPath } from "../page/login-path.ts";
import { RefusalPanel } from "../page/refusal-panel.tsx";
import { timeText } from "../page/time-text.ts";
import { AgentCard } from "./agent-card.tsx";
import type { Portal, PortalView } from "./portal.ts";
import { SessionsSection } from "./sessions-section.tsx";
import { ToldSection } from "./told-section.tsx";

type Props = { readonly view: PortalView; readonly portal: Portal };

export function PortalPage({ view, portal }: Props) {
  const { outcome, me } = view;
  if (outcome === null) return <p role="status">Asking for your agents…</p>;
  switch (outcome.kind) {
    case "signed_in":
      return <Known me={outcome.me} view={view} portal={portal} />;
    case "signed_out":
      return <SignedOut me={me} requestId={outcome.refusal.requestId} />;
    case "denied":
      return (
        <RefusalPanel title="You may not use this front door" refusal={outcome.refusal}>
          <form method="post" action="/auth/logout">
            <button type="submit">Sign out</button>
          </form>
        </RefusalPanel>
      );
    case "unavailable": {
      const again = (
        <button type="button" class="primary" onClick={portal.arrive}>
          Try again
        </button>
      );
      if (me === null)
        return (
          <RefusalPanel title="Not available right now" refusal={outcome.refusal}>
            {again}
          </RefusalPanel>
        );
      return (
        <>
          <div class="stale" role="alert">
            <p>
              <bdi>{outcome.refusal.message}</bdi> What you see is what was known before.
            </p>
            {again}
          </div>
          <Known me={me} view={view} portal={portal} />
        </>
      );
    }
  }
}

function Known({ me, view, portal }: Props & { readonly me: MeAnswer }) {
  return (
    <>
      <div class="who">
        <h1>Your agents</h1>
        <p class="quiet">
          Signed in as <Person me={me} />
        </p>
      </div>
      {me.agents.length === 0 ? <NoAgents me={me} /> : <Cards agents={me.agents} />}
      {/* By person: what one has opened is closed again for the next. */}
      {me.agents.length > 0 && (
        <ToldSection key={me.id} agents={me.agents} told={view.told} tell={portal.tell} />
      )}
      <SessionsSection
        agents={me.agents}
        sessions={view.sessions}
        notice={view.notice}
        end={portal.endSession}
        endOthers={portal.endOthers}
      />
    </>
  );
}

function Cards({ agents }: Pick<MeAnswer, "agents">) {
  return (
    <ul class="cards">
      {agents.map((agent) => (
        <AgentCard key={agent.id} agent={agent} />
      ))}
    </ul>
  );
}

function Person({ me }: { readonly me: MeAnswer }) {
  return (
    <>
      <bdi>{me.name ?? me.email ?? me.id}</bdi>
      {me.name !== null && me.email !== null && (
        <>
          , <bdi>{me.email}</bdi>
        </>
      )}
      {me.provider !== null && (
        <>
          , with <bdi>{me.provider}</bdi>
        </>
      )}
    </>
  );
}

function NoAgents({ me }: { readonly me: MeAnswer }) {
  const lead =
    me.groups.length === 0
      ? "You are in no group, and agents are given to groups."
      : "None of your groups has one.";
  return (
    <section class="panel" aria-labelledby="no-agents">
      <h2 id="no-agents">You have no agents yet</h2>
      <p>{lead}</p>
      {(me.groups.length > 0 || me.roles.length > 0) && (
        <dl class="facts">
          <Names term="Your groups" names={me.groups} />
          <Names term="Your roles" names={me.roles} />
        </dl>
      )}
      <p>
        To get one, ask <bdi>{readContact()}</bdi>. Once they have given it to you, it appears here. If it
        does not within a few minutes, sign out and in again.
      </p>
    </section>
  );
}

const MAX_NAMES = 50;

function Names({ term, names }: { readonly term: string; readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <>
      <dt>{term}</dt>
      <dd>
        {names.slice(0, MAX_NAMES).map((name, index) => (
          <span key={name}>
            {index > 0 && ", "}
            <bdi>{name}</bdi>
          </span>
        ))}
        {names.length > MAX_NAMES && ` and ${names.length - MAX_NAMES} more`}
      </dd>
    </>
  );
}

type SignedOutProps = { readonly me: MeAnswer | null; readonly requestId: string | null };

function SignedOut({ me, requestId }: SignedOutProps) {
  const until = me === null ? "" : ` It could last until ${timeText(me.session.expiresAt)} at most.`;
  const refusal = {
    message: `This session has ended: it expired, or it was ended in another tab or on another device.${until}`,
    requestId,
    contact: null,
  };
  return (
    <RefusalPanel title="You are signed out" refusal={refusal}>
      <a class="button primary" href={loginPath("/")}>
        Sign in again
      </a>
    </RefusalPanel>
  );
}
