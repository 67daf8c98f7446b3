// A stored session as its owner is told of it. Pure.
import type { SessionSummary } from "../../core/gateway-protocol.ts";
import { sessionKeyOf } from "./session-key.ts";
import type { StoredSession } from "./session-store.ts";

export function summaryOf(session: StoredSession): SessionSummary {
  const { sessionId, agentId, chatType, updatedAt, messageCount, label, derivedTitle } = session;
  const key = sessionKeyOf(session);
  return { key, sessionId, agentId, chatType, updatedAt, messageCount, label, derivedTitle };
}
