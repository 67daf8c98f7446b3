// The agents as the configuration names them.
import type { GatewayConfig } from "../../config/gateway.ts";
import type { Clock } from "../../core/clock.ts";
import { type AgentId, parseAgentId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Agent, AgentProfile } from "./agent.ts";
import { createClaudeAgent } from "./claude.ts";
import { createDemonstrationAgent } from "./demonstration.ts";

/** The agents that this gateway runs. */
export function profilesOf({
  defaults,
  entries,
}: GatewayConfig["agents"]): ReadonlyMap<AgentId, AgentProfile> {
  const profiles = new Map<AgentId, AgentProfile>();
  for (const [key, { name, description, instructions, model }] of Object.entries(entries)) {
    const id = parseAgentId(key);
    if (id === undefined) throw new TypeError(`not an agent id: ${key}`);
    profiles.set(id, { id, name, description, instructions, model: model ?? defaults.model });
  }
  return profiles;
}

/** Who answers for all of them: the Claude API, or the demonstration agent when there is no key for it. */
export function agentOf(
  { gateway, agents, anthropic }: GatewayConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Agent {
  if (anthropic.apiKey === undefined)
    return createDemonstrationAgent({ gateway: gateway.id, endpoint: gateway.endpoint, clock });
  return createClaudeAgent({
    apiKey: anthropic.apiKey,
    baseUrl: anthropic.baseUrl,
    timeoutMs: anthropic.timeout,
    maxOutputTokens: agents.defaults.maxOutputTokens,
    clock,
    log,
  });
}
