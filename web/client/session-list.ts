// The person's sessions with one agent, the newest first, as the gateway lists them and tells of their changes. Pure.
import type { SessionSummary, SessionsChangedEvent } from "../../core/gateway-protocol.ts";

export type SessionList = {
  /** False until the first list. */
  readonly loaded: boolean;
  readonly entries: readonly SessionSummary[];
};

export const NO_SESSIONS: SessionList = { loaded: false, entries: [] };

/** @param changes told of since the list was asked for: it may be a moment older than they are */
export function sessionListOf(
  sessions: readonly SessionSummary[],
  agent: string,
  changes: readonly SessionsChangedEvent[],
): SessionList {
  const entries = sessions.filter(({ agentId }) => agentId === agent).sort(newestFirst);
  return changes.reduce(withChange, { loaded: true, entries });
}

export function withChange(list: SessionList, { sessionKey, session }: SessionsChangedEvent): SessionList {
  const others = list.entries.filter(({ key }) => key !== sessionKey);
  if (session === null) return { ...list, entries: others };
  const older = others.findIndex((other) => newestFirst(session, other) <= 0);
  const place = older === -1 ? others.length : older;
  return { ...list, entries: [...others.slice(0, place), session, ...others.slice(place)] };
}

function newestFirst(one: SessionSummary, other: SessionSummary): number {
  return other.updatedAt - one.updatedAt;
}
