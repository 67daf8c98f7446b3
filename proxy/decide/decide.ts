// Third stage: may this person use this agent? Pure; deny by default; a reason for both answers.
import type { AccessPolicy } from "../../config/access.ts";
import type { Denial } from "../../core/denial.ts";
import type { Identity, VerifiedIdentity } from "../../core/identity.ts";
import { type AgentId, parseAgentId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { grantsOf, groupsGranting } from "./grants.ts";

/** What is asked for: one agent by its name in the path, or the person's first one in catalogue order. */
export type Target = { readonly kind: "agent"; readonly agent: string } | { readonly kind: "first" };

declare const decided: unique symbol;
/** Only {@link decide} makes one. */
export type Grant = {
  readonly identity: VerifiedIdentity;
  readonly agent: AgentId;
  /** Everything this connection may use: the one agent of its path, or all that the person has. */
  readonly agents: readonly AgentId[];
  /** The rules that granted it, for the audit line. */
  readonly reason: string;
  readonly [decided]: true;
};

/** @param identity verified by the stage before: nobody else can have one */
export function decide(
  identity: VerifiedIdentity,
  target: Target,
  policy: AccessPolicy,
): Result<Grant, Denial> {
  const evaluated = evaluate(identity, target, policy);
  return evaluated.ok ? ok({ identity, ...evaluated.value } as Grant) : evaluated;
}

export type Evaluated = Pick<Grant, "agent" | "agents" | "reason">;

/** The decision itself, for explaining and for judging again what is live; only {@link decide} makes it count. */
export function evaluate(
  identity: Identity,
  target: Target,
  policy: AccessPolicy,
): Result<Evaluated, Denial> {
  const grants = grantsOf(identity, policy);
  if (!grants.ok) return grants;
  const granted = grants.value.agents;
  if (target.kind === "first") {
    const [first] = granted;
    if (first === undefined) return err({ code: "no_agents" });
    return ok({ agent: first.id, agents: granted.map(({ id }) => id), reason: first.because.join(", ") });
  }
  const agent = parseAgentId(target.agent);
  if (agent === undefined || !policy.agents.has(agent))
    return err({ code: "agent_unknown", agent: target.agent });
  const found = granted.find(({ id }) => id === agent);
  if (found === undefined) {
    const { issuer } = identity;
    return err({ code: "agent_not_allowed", agent, grantedBy: groupsGranting(agent, policy), issuer });
  }
  return ok({ agent, agents: [agent], reason: found.because.join(", ") });
}
