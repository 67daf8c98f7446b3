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
  /** `jti` of the assertion if no front door forwards this connection: how it is named there. */
  readonly direct: string | null;
};

export function callerOf(claims: AssertionClaims, agents: readonly [AgentId, ...AgentId[]]): Caller {
  const { sub: userId, sid, email, name, use, jti } = claims;
  return { userId, sid, email, name, agents, direct: use === "direct" ? jti : null };
}
