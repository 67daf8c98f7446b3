// What one person gets from IT's file, and because of which rule. Pure: enforcement, /api/me and explanations
// all ask this one function, so that they can never differ.
import type { AccessPolicy, Role } from "../../config/access.ts";
import type { Denial } from "../../core/denial.ts";
import type { Identity } from "../../core/identity.ts";
import type { AgentId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";

export type Grants = {
  /** In catalogue order; `because` names every rule that grants it. */
  readonly agents: readonly { readonly id: AgentId; readonly because: readonly string[] }[];
  readonly roles: readonly Role[];
};

/** Pure, and asked on every request: answers are kept for as long as both of what they come from live. */
const answers = new WeakMap<AccessPolicy, WeakMap<Identity, Result<Grants, Denial>>>();

/** A denial by name beats every grant; it matches any asserted e-mail, trusted or not. */
export function grantsOf(identity: Identity, policy: AccessPolicy): Result<Grants, Denial> {
  const byPolicy = answers.get(policy) ?? new WeakMap<Identity, Result<Grants, Denial>>();
  answers.set(policy, byPolicy);
  const answer = byPolicy.get(identity) ?? readGrants(identity, policy);
  byPolicy.set(identity, answer);
  return answer;
}

function readGrants(identity: Identity, policy: AccessPolicy): Result<Grants, Denial> {
  const byId = policy.userIds.get(identity.userId);
  const byEmail = identity.email === null ? undefined : policy.emails.get(identity.email);
  if (byId?.deny === true) return err({ code: "user_denied", rule: ruleOfUser(identity.userId) });
  if (byEmail?.deny === true) return err({ code: "user_denied", rule: ruleOfUser(identity.email ?? "") });
  // Without an e-mail nobody can tell whether a denial by e-mail means this person (fail closed).
  if (identity.email === null && policy.deniesByEmail) return err({ code: "email_missing" });

  const sources: {
    readonly rule: string;
    readonly grants: { agents: readonly AgentId[]; roles: readonly Role[] };
  }[] = [];
  for (const group of identity.groups) {
    const grants = policy.groups.get(group);
    if (grants !== undefined) sources.push({ rule: `groups[${JSON.stringify(group)}]`, grants });
  }
  if (byId !== undefined) sources.push({ rule: ruleOfUser(identity.userId), grants: byId });
  if (byEmail !== undefined && identity.emailTrusted) {
    sources.push({ rule: ruleOfUser(identity.email ?? ""), grants: byEmail });
  }

  // From the person's few rules, not over the whole policy: a decision costs the same however large that is.
  const rulesOf = new Map<AgentId, string[]>();
  for (const { rule, grants } of sources) {
    for (const id of grants.agents) {
      const because = rulesOf.get(id);
      if (because === undefined) rulesOf.set(id, [rule]);
      else because.push(rule);
    }
  }
  const agents = [...policy.agents.keys()].flatMap((id) => {
    const because = rulesOf.get(id);
    return because === undefined ? [] : [{ id, because }];
  });
  const roles = [...new Set(sources.flatMap(({ grants }) => grants.roles))];
  return ok({ agents, roles });
}

/** Groups of the policy that grant this agent, in the policy's order. */
export function groupsGranting(agent: AgentId, policy: AccessPolicy): string[] {
  return [...policy.groups].filter(([, grants]) => grants.agents.includes(agent)).map(([group]) => group);
}

function ruleOfUser(key: string): string {
  return `users[${JSON.stringify(key)}]`;
}
