// The one audit line of a decision: what was known when it fell, with the reason for either answer.
import type { AuditEvent } from "../core/audit.ts";
import type { Denial } from "../core/denial.ts";
import type { Identity } from "../core/identity.ts";
import type { RequestId } from "../core/ids.ts";
import type { Grant } from "./decide/decide.ts";
import { denialReason } from "./refuse/denial-reason.ts";
import type { Upstream } from "./route/pick-endpoint.ts";

/** Filled as the stages go; whatever a stage did not reach stays undefined. */
export type Trail = { identity?: Identity; agent?: string; grant?: Grant; upstream?: Upstream };

export type Asked = {
  readonly id: RequestId;
  readonly peer: string;
  readonly method: string;
  readonly path: string | null;
};

/** Longer paths name nothing here, and whoever sends them must not fill the disk. */
const MAX_PATH = 256;

export function decisionLine(asked: Asked, trail: Trail, denial: Denial | undefined): AuditEvent {
  const { identity, grant, upstream } = trail;
  return {
    kind: "decision",
    outcome: denial === undefined ? "allowed" : "denied",
    code: denial?.code ?? null,
    reason: denial === undefined ? [grant?.reason, upstream?.reason].join("; ") : denialReason(denial),
    requestId: asked.id,
    userId: identity?.userId ?? null,
    email: identity?.email ?? null,
    sid: identity?.sid ?? null,
    provider: null,
    peer: asked.peer,
    method: asked.method,
    path: asked.path?.slice(0, MAX_PATH) ?? null,
    agent: grant?.agent ?? trail.agent ?? null,
    gateway: upstream?.gateway.id ?? null,
    endpoint: upstream?.endpoint.id ?? null,
    event: null,
  };
}
