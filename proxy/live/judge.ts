// Decides again about a connection that is live: by the same functions that admitted it, with the policy of now.

import { addressOf } from "../../config/routes.ts";
import type { AgentId } from "../../core/ids.ts";
import { evaluate } from "../decide/decide.ts";
import { namesInForce } from "../policy/names-in-force.ts";
import type { PolicyInForce } from "../policy/policy-in-force.ts";
import { route } from "../route/route.ts";
import type { EndReason } from "./access-event.ts";
import type { Judge } from "./live-connections.ts";

/** @param now wall clock, milliseconds since 1970: the words of a removal name the time */
export function createJudge(policy: PolicyInForce, now: () => number): Judge {
  const names = namesInForce(policy);
  return (identity, decided) => {
    const { access, routing } = policy.current();
    const grant = evaluate(identity, decided.target, access);
    const removed = (agent: AgentId | undefined): EndReason => ({
      code: "access_removed",
      agent: agent === undefined ? "your agent" : names.agent(agent),
      at: now(),
    });
    if (!grant.ok) {
      const { code } = grant.error;
      const isPerson = code === "user_denied" || code === "email_missing";
      return isPerson ? { code: "user_denied" } : removed(decided.agents[0]);
    }
    const lost = decided.agents.find((agent) => !grant.value.agents.includes(agent));
    if (lost !== undefined) return removed(lost);
    // Each of them: what one connection may use could be routed apart since.
    const stays = [grant.value.agent, ...decided.agents].every((agent) => {
      const routed = route(identity, agent, routing);
      if (!routed.ok || routed.value.gateway.id !== decided.gateway) return false;
      return routed.value.gateway.endpoints.some(
        (endpoint) => endpoint.id === decided.endpoint && addressOf(endpoint) === decided.address,
      );
    });
    return stays ? undefined : { code: "moved" };
  };
}
