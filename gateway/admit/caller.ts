// The person behind an admitted request, as the front door asserted them; nothing here comes from the client.
import type { AssertionClaims } from "../../core/assertion.ts";
import type { AgentId, SessionId, UserId } from "../../core/ids.ts";

export type Caller = {
  readonly userId: UserId;
  readonly sid: SessionId;
  readonly email: string | null;
  readonly name: string | null;
  /** Agents of this connection, never empty: asserted, run here, and on this path. The first is the default. */
  readonly agents: readonly [AgentId, ...AgentId[]];
};

export function callerOf(claims: AssertionClaims, agents: readonly [AgentId, ...AgentId[]]): Caller {
  return { userId: claims.sub, sid: claims.sid, email: claims.email, name: claims.name, agents };
}
