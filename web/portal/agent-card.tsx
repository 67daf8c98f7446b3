// One agent: what it is for, where it runs for me, whether it answers, and when I last used it.
import type { AgentState, MeAnswer } from "../../core/api.ts";
import { timeText } from "../page/time-text.ts";

type Agent = MeAnswer["agents"][number];

const STATE_WORDS: Record<AgentState, string> = {
  up: "Up",
  down: "Offline: its gateway does not answer at the moment",
  draining: "Draining: it takes no new work",
};

export function AgentCard({ agent }: { readonly agent: Agent }) {
  return (
    <li class="card">
      <h2>
        <a href={`/chat/${encodeURIComponent(agent.id)}`}>
          <bdi>{agent.name}</bdi>
        </a>
      </h2>
      <p class="description" dir="auto">
        {agent.description}
      </p>
      <dl class="facts">
        {agent.gateway === null ? (
          <>
            <dt>State</dt>
            <dd class="state state-draining">
              Not set up for you yet: operations has not said where it runs
            </dd>
          </>
        ) : (
          <>
            <dt>Runs on</dt>
            <dd>
              <bdi>{agent.gatewayLabel ?? agent.gateway}</bdi>
            </dd>
            <dt>State</dt>
            <dd class={`state state-${agent.state}`}>{STATE_WORDS[agent.state]}</dd>
          </>
        )}
        <dt>Last used</dt>
        <dd>
          <LastUsed agent={agent} />
        </dd>
      </dl>
    </li>
  );
}

function LastUsed({ agent: { open, lastUsed } }: { readonly agent: Agent }) {
  if (open) return <>Open now</>;
  if (lastUsed === null) return <>Not in the last 90 days</>;
  return <time dateTime={lastUsed}>{timeText(lastUsed)}</time>;
}
