// Whose a session is, by its public id: for a connection that a gateway says is open and of which this door knows
// nothing else. Reads; it is no use of the session.
import { type VerifiedIdentity, vouchFor } from "../../core/identity.ts";
import type { SessionId } from "../../core/ids.ts";
import type { BearerSessions } from "../../token-exchange/bearer-sessions.ts";
import type { SessionIndex } from "../../token-exchange/session-index.ts";
import type { Sessions } from "./sessions.ts";

export type SessionIdentityDeps = {
  readonly index: Pick<SessionIndex, "find">;
  readonly sessions: Pick<Sessions, "recordAt">;
  readonly bearerSessions: Pick<BearerSessions, "recordAt">;
  /** Number of the newest event that the live index has applied. */
  readonly appliedEvent: () => number;
};

/** @returns undefined for a session that does not live. Rejects when the store does not answer. */
export async function sessionIdentity(
  sid: SessionId,
  { index, sessions, bearerSessions, appliedEvent }: SessionIdentityDeps,
): Promise<VerifiedIdentity | undefined> {
  const asOfEvent = appliedEvent();
  const found = await index.find(sid);
  if (found === undefined) return undefined;
  const record =
    found.kind === "browser"
      ? (await sessions.recordAt(found.place))?.record
      : await bearerSessions.recordAt(found.place);
  return record === undefined ? undefined : vouchFor({ ...record.identity, asOfEvent });
}
