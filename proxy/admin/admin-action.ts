// One thing that an administrator may ask for over the control socket.
import type { AuditEvent } from "../../core/audit.ts";
import type { AdminError } from "./answers.ts";

export type AdminAction = (asked: AdminRequest) => Promise<ActionDone>;

export type AdminRequest = {
  readonly query: URLSearchParams;
  /** JSON, untrusted; undefined when there was none. */
  readonly body: unknown;
};

export type ActionDone = {
  readonly status: 200 | 400 | 404;
  readonly body: unknown;
  /** Of each audit line; `reason` says what was asked for. */
  readonly lines: readonly ({ readonly reason: string } & Partial<AuditEvent>)[];
};

/** It cannot be done: what was named is not there, or is no such name. */
export function cannot(status: 400 | 404, error: string, reason: string): ActionDone {
  return { status, body: { error } satisfies AdminError, lines: [{ reason: `${reason}: ${error}` }] };
}
