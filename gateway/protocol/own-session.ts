// A session key as a client wrote it → a session of the caller's own, or a refusal. There is no way to write a key of
// somebody else: the owner is the caller, whatever the key says. Pure.
import type { FrameError } from "../../core/gateway-protocol.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import { parseSessionKey, type SessionIdentity } from "../session/session-key.ts";

/** @param key untrusted @param member what the parameters call it */
export function ownSession(
  key: string,
  caller: Caller,
  member: "sessionKey" | "key",
): Result<SessionIdentity, FrameError> {
  const parsed = parseSessionKey(key, caller.agents[0]);
  if (!parsed.ok)
    return err({ code: "INVALID_REQUEST", message: `invalid ${member}: expected ${parsed.error}` });
  // The agents of this connection, not of the person: /agents/coder/ws is for coder only.
  if (!caller.agents.includes(parsed.value.agentId)) return err(forbidden(parsed.value.agentId));
  return ok({ userId: caller.userId, ...parsed.value });
}

export function forbidden(agentId: string): FrameError {
  return { code: "FORBIDDEN", message: `the agent "${agentId}" is not yours on this connection` };
}
