// Who is admitted: one ladder of refusals, from the cheapest check to the one that cannot be undone. Only the
// assertion counts: x-user-id and its like are for humans reading traces and are never read here.
// Pinned by test/gateway/straight-to-gateway.test.ts.
import type { IncomingMessage } from "node:http";
import {
  ASSERTION_HEADER,
  type AssertionClaims,
  type AssertionUse,
  audienceOf,
} from "../../core/assertion.ts";
import type { Audit } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import type { AgentId, EndpointId, GatewayId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { EndedAccess } from "./ended-access.ts";
import { handshakeFault } from "./handshake.ts";
import type { KeyRing } from "./key-ring.ts";
import type { ReplayMemory } from "./replay-memory.ts";
import { parseRequestTarget, pathOf } from "./request-target.ts";
import { verifyAssertion } from "./verify-assertion.ts";

export type Admitted = { readonly claims: AssertionClaims };
export type AdmittedSocket = Admitted & { readonly caller: Caller };

/** `claims` is there when the assertion itself was good: then the audit line may name the person. */
export type Refusal = { readonly denial: Denial; readonly claims: AssertionClaims | undefined };

export type AdmissionDeps = {
  readonly gateway: GatewayId;
  readonly endpoint: EndpointId;
  readonly issuer: string;
  /** Agents that this gateway runs. */
  readonly agents: ReadonlySet<AgentId>;
  readonly concurrentConnections: number;
  readonly keyRing: Pick<KeyRing, "keys">;
  readonly replayMemory: ReplayMemory;
  readonly endedAccess: EndedAccess;
  readonly audit: Audit;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly openConnections: () => number;
  readonly stopping: () => boolean;
};

export type Admission = {
  upgrade(request: IncomingMessage): Result<AdmittedSocket, Refusal>;
  plain(request: IncomingMessage): Result<Admitted, Refusal>;
};

/**
 * Judges untrusted requests.
 *
 * Replay: an upgrade assertion admits once. One for plain requests may be shown again while it is fresh: the front
 * door may use one for several, and it opens nothing that outlives it.
 */
export function createAdmission(deps: AdmissionDeps): Admission {
  return {
    upgrade(request) {
      const asserted = readAsserted(request, ["upgrade", "direct"], deps);
      if (!asserted.ok) return asserted;
      const { claims } = asserted.value;
      // Before anything else is answered: whatever becomes of this request, its assertion is spent.
      const fresh = deps.replayMemory.remember(claims.jti, claims.exp, deps.clock.now() / 1000);
      if (!fresh.ok) return refused({ code: "assertion_invalid", fault: fresh.error }, claims);
      const caller = admitSocket(request, claims, deps);
      return caller.ok ? ok({ claims, caller: caller.value }) : refused(caller.error, claims);
    },
    plain(request) {
      const asserted = readAsserted(request, ["http"], deps);
      if (!asserted.ok) return asserted;
      const { claims } = asserted.value;
      const denial = whyNotPlain(request, claims, deps);
      return denial === undefined ? ok({ claims }) : refused(denial, claims);
    },
  };
}

function readAsserted(
  request: IncomingMessage,
  uses: readonly AssertionUse[],
  deps: AdmissionDeps,
): Result<Admitted, Refusal> {
  const unready = whyUnready(deps);
  if (unready !== undefined) return refused(unready);
  const keys = deps.keyRing.keys();
  if (keys === undefined) return refused({ code: "keys_unavailable", what: "no key set was accepted yet" });
  const token = readHeader(request);
  if (!token.ok) return refused(token.error);
  const claims = verifyAssertion(token.value, keys, {
    issuer: deps.issuer,
    audience: audienceOf(deps.gateway, deps.endpoint),
    uses,
    startedAt: deps.startedAt / 1000,
    now: deps.clock.now(),
  });
  if (!claims.ok) return refused({ code: "assertion_invalid", fault: claims.error });
  const denial = deps.endedAccess.whyNot(claims.value);
  return denial === undefined ? ok({ claims: claims.value }) : refused(denial, claims.value);
}

function whyUnready(deps: AdmissionDeps): Denial | undefined {
  if (deps.stopping()) return { code: "stopping" };
  // An admission that cannot be recorded is not made.
  if (!deps.audit.accepting) return { code: "audit_unavailable" };
  return undefined;
}

function readHeader(request: IncomingMessage): Result<string, Denial> {
  const values = request.headersDistinct[ASSERTION_HEADER] ?? [];
  const [value] = values;
  if (value === undefined) return err({ code: "assertion_missing" });
  // RFC 9110 §5.3 lets a hop join two lines by a comma: that is still two.
  if (values.length > 1 || value.includes(",")) return err({ code: "assertion_duplicate" });
  return ok(value);
}

function admitSocket(
  request: IncomingMessage,
  claims: AssertionClaims,
  deps: AdmissionDeps,
): Result<Caller, Denial> {
  const target = parseRequestTarget(pathOf(request.url ?? ""));
  if (target.kind !== "socket") return err({ code: "path_unknown" });
  const fault = handshakeFault(request);
  if (fault !== undefined) return err({ code: "upgrade_invalid", what: fault });
  const denial = target.agent === undefined ? undefined : whyNotReach(target.agent, claims, deps);
  if (denial !== undefined) return err(denial);
  const asserted = target.agent === undefined ? claims.agents : [target.agent];
  const [first, ...others] = asserted.filter((agent) => deps.agents.has(agent));
  if (first === undefined) return err({ code: "no_agents" });
  if (deps.openConnections() >= deps.concurrentConnections)
    return err({ code: "gateway_full", what: "concurrentConnections" });
  return ok(callerOf(claims, [first, ...others]));
}

function whyNotPlain(
  request: IncomingMessage,
  claims: AssertionClaims,
  deps: AdmissionDeps,
): Denial | undefined {
  const target = parseRequestTarget(pathOf(request.url ?? ""));
  if (target.kind !== "whoami") return { code: "path_unknown" };
  if (request.method !== "GET")
    return { code: "method_not_allowed", method: request.method ?? "", allow: ["GET"] };
  return whyNotReach(target.agent, claims, deps);
}

function whyNotReach(agent: AgentId, claims: AssertionClaims, deps: AdmissionDeps): Denial | undefined {
  if (!claims.agents.includes(agent)) return { code: "assertion_agent", agent };
  return deps.agents.has(agent) ? undefined : { code: "agent_unknown", agent };
}

function refused(denial: Denial, claims?: AssertionClaims): Result<never, Refusal> {
  return err({ denial, claims });
}
