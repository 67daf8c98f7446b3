// One agent: what it is for, where it runs for me, and whether it answers.
import type { AgentState, MeAnswer } from "../../core/api.ts";

const STATE_WORDS: Record<AgentState, string> = {
  up: "Up",
  down: "Down: it does not answer at the moment",
  draining: "Draining: it takes no new work",
};

export function AgentCard({ agent }: { readonly agent: MeAnswer["agents"][number] }) {
  return (
    <li class="card">
      <h2>
        <a href={`/chat/${encodeURIComponent(agent.id)}`}>
          <bdi>{agent.name}</bdi>
        </a>
      </h2>
      {agent.description !== "" && <p dir="auto">{agent.description}</p>}
      <dl class="facts">
        <dt>Runs on</dt>
        <dd>{agent.gateway === null ? "No gateway yet" : <bdi>{agent.gateway}</bdi>}</dd>
        <dt>State</dt>
        <dd class={`state state-${agent.state}`}>{STATE_WORDS[agent.state]}</dd>
      </dl>
    </li>
  );
}
