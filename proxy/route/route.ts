// Fourth stage, its pure half: which gateway serves this agent to this person? The first rule whose every
// condition holds decides. No I/O; the endpoint is picked in pick-endpoint.ts.
import type { Gateway, RouteRule, RoutingTable } from "../../config/routes.ts";
import type { Denial } from "../../core/denial.ts";
import type { Identity } from "../../core/identity.ts";
import type { AgentId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { rulesThatCouldHold } from "./rule-index.ts";

export type Routed = {
  readonly gateway: Gateway;
  /** `routes[1]`, for the audit line. */
  readonly rule: string;
};

export function route(identity: Identity, agent: AgentId, table: RoutingTable): Result<Routed, Denial> {
  let rule: RouteRule | undefined;
  for (const rules of rulesThatCouldHold(identity, agent, table)) {
    const first = rules.find((candidate) => holds(candidate, identity, agent));
    if (first !== undefined && (rule === undefined || first.index < rule.index)) rule = first;
  }
  const gateway = rule === undefined ? undefined : table.gateways.get(rule.to);
  if (rule === undefined || gateway === undefined) return err({ code: "route_missing", agent });
  return ok({ gateway, rule: `routes[${rule.index}]` });
}

function holds(rule: RouteRule, identity: Identity, agent: AgentId): boolean {
  if (rule.agents !== undefined && !rule.agents.includes(agent)) return false;
  if (rule.groups !== undefined && !rule.groups.some((group) => identity.groups.includes(group)))
    return false;
  return rule.users === undefined || rule.users.some((user) => isUser(user, identity));
}

// A rule that sends somebody somewhere by e-mail needs that e-mail proved, like one that grants.
function isUser(user: string, identity: Identity): boolean {
  return user === identity.userId || (identity.emailTrusted && user === identity.email);
}
