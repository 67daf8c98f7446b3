// The portal: who I am, a card for each of my agents, and where I am signed in.
import type { MeAnswer } from "../../core/api.ts";
import type { MeOutcome } from "../client/ask-me.ts";
import { readContact } from "../page/contact.ts";
import { RefusalPanel } from "../page/refusal-panel.tsx";
import { AgentCard } from "./agent-card.tsx";
import { SessionsSection, type SessionsView } from "./sessions-section.tsx";

type Props = {
  /** null: not answered yet. */
  readonly outcome: MeOutcome | null;
  readonly tryAgain: () => void;
  readonly sessions: SessionsView;
};

export function PortalPage({ outcome, tryAgain, sessions }: Props) {
  if (outcome === null) return <p role="status">Asking for your agents…</p>;
  switch (outcome.kind) {
    case "signed_in":
      return (
        <>
          <Agents me={outcome.me} />
          <SessionsSection {...sessions} />
        </>
      );
    case "signed_out":
      return <p role="status">Signing in…</p>;
    case "denied":
      return <RefusalPanel title="You may not use this front door" refusal={outcome.refusal} />;
    case "unavailable":
      return (
        <RefusalPanel title="Not available right now" refusal={outcome.refusal}>
          <button type="button" class="primary" onClick={tryAgain}>
            Try again
          </button>
        </RefusalPanel>
      );
  }
}

function Agents({ me }: { readonly me: MeAnswer }) {
  return (
    <>
      <div class="who">
        <h1>Your agents</h1>
        <p class="quiet">
          Signed in as <Person me={me} />
        </p>
      </div>
      {me.agents.length === 0 ? <NoAgents me={me} /> : <Cards agents={me.agents} />}
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
  if (me.name !== null && me.email !== null)
    return (
      <>
        <bdi>{me.name}</bdi>, <bdi>{me.email}</bdi>
      </>
    );
  return <bdi>{me.name ?? me.email ?? me.id}</bdi>;
}

function NoAgents({ me }: { readonly me: MeAnswer }) {
  const groups = me.groups.length === 0 ? "You are in no group." : `Your groups: ${me.groups.join(", ")}.`;
  return (
    <section class="panel" aria-labelledby="no-agents">
      <h2 id="no-agents">You have no agents yet</h2>
      <p>
        None of your groups grants one. <bdi>{groups}</bdi>
      </p>
      <p>
        To get one, ask <bdi>{readContact()}</bdi>.
      </p>
    </section>
  );
}
