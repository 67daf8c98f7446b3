// Reads what the gateway sends. Whatever is not a frame of protocol 4 is `undefined`, never a throw:
// a page that breaks on one frame could not even say so. No I/O.
import type {
  ChatEvent,
  ChatHistoryAnswer,
  EventFrame,
  HelloOk,
  ResponseFrame,
  SessionSummary,
  SessionsChangedEvent,
  SessionsListAnswer,
} from "../../core/gateway-protocol.ts";

/** @param text one untrusted text frame */
export function parseFrame(text: string): EventFrame | ResponseFrame | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(frame)) return undefined;
  if (frame["type"] === "event" && typeof frame["event"] === "string") return frame as EventFrame;
  if (frame["type"] !== "res" || typeof frame["id"] !== "string") return undefined;
  if (frame["ok"] === true) return frame as ResponseFrame;
  const error = frame["error"];
  return isRecord(error) && typeof error["message"] === "string" ? (frame as ResponseFrame) : undefined;
}

export function readHello(payload: unknown): HelloOk | undefined {
  if (!isRecord(payload) || payload["type"] !== "hello-ok") return undefined;
  const { snapshot, policy } = payload;
  if (!isRecord(snapshot) || !Array.isArray(snapshot["agents"]) || !isRecord(policy)) return undefined;
  const { maxPayload, tickIntervalMs } = policy;
  return typeof maxPayload === "number" && typeof tickIntervalMs === "number"
    ? (payload as HelloOk)
    : undefined;
}

export function readHistory(payload: unknown): ChatHistoryAnswer | undefined {
  if (!isRecord(payload) || !Array.isArray(payload["messages"])) return undefined;
  // A gateway of an older version does not tell of waiting turns.
  return { waiting: [], ...payload } as unknown as ChatHistoryAnswer;
}

/** Run ids of what `chat.abort` has stopped. */
export function readStopped(payload: unknown): readonly unknown[] {
  const runIds = isRecord(payload) ? payload["runIds"] : undefined;
  return Array.isArray(runIds) ? runIds : [];
}

export function readSessions(payload: unknown): readonly SessionSummary[] | undefined {
  if (!isRecord(payload) || !Array.isArray(payload["sessions"])) return undefined;
  return (payload as SessionsListAnswer).sessions;
}

export function readSessionsChanged(payload: unknown): SessionsChangedEvent | undefined {
  if (!isRecord(payload) || typeof payload["sessionKey"] !== "string") return undefined;
  const { session } = payload;
  return session === null || isRecord(session) ? (payload as SessionsChangedEvent) : undefined;
}

export function readChatEvent(payload: unknown): ChatEvent | undefined {
  if (!isRecord(payload)) return undefined;
  const { runId, sessionKey, seq, state } = payload;
  if (typeof runId !== "string" || typeof sessionKey !== "string" || typeof seq !== "number")
    return undefined;
  switch (state) {
    case "queued":
      return typeof payload["position"] === "number" ? (payload as ChatEvent) : undefined;
    case "delta":
      return typeof payload["deltaText"] === "string" ? (payload as ChatEvent) : undefined;
    case "final":
      return isRecord(payload["message"]) ? (payload as ChatEvent) : undefined;
    case "aborted":
    case "error":
      return payload as ChatEvent;
    default:
      return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
