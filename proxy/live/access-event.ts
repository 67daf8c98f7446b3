// What can end access that was given, as it stands in the store's event log. Version 1.
import { parseSessionId, type SessionId } from "../../core/ids.ts";

export type EndReason = "signed_out" | "session_expired" | "access_changed" | "restarting";

/** One session is over; everything that lives by it ends. */
export type AccessEvent = {
  readonly kind: "session_ended";
  readonly sid: SessionId;
  readonly reason: "signed_out";
};

export function formatAccessEvent(event: AccessEvent): string {
  return JSON.stringify({ v: 1, ...event });
}

/** Undefined for an event that this version does not know: the reader must then decide everything anew. */
export function parseAccessEvent(payload: string): AccessEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { v, kind, sid, reason } = value as Record<string, unknown>;
  if (v !== 1 || kind !== "session_ended" || typeof sid !== "string") return undefined;
  const sessionId = parseSessionId(sid);
  if (sessionId === undefined || reason !== "signed_out") return undefined;
  return { kind, sid: sessionId, reason };
}

/** The close frame that the client reads; words of at most 123 bytes (RFC 6455 §5.5.1). */
export function closeOf(reason: EndReason): { readonly code: number; readonly words: string } {
  switch (reason) {
    case "signed_out":
      return { code: 1008, words: "signed out" };
    case "session_expired":
      return { code: 1008, words: "your session has expired, sign in again" };
    case "access_changed":
      return { code: 1008, words: "access has changed, connect again" };
    case "restarting":
      return { code: 1012, words: "the front door is restarting, connect again" };
  }
}
