// Untrusted text → a request frame, and frames → text. Pure.
import type { EventFrame, FrameError, RequestFrame, ResponseFrame } from "../../core/gateway-protocol.ts";
import { err, ok, type Result } from "../../core/result.ts";

/** What is wrong with a frame; `id` when it could be read, so that its sender can be told. */
export type FrameFault = { readonly id: string | undefined; readonly what: string };

/** Values in one frame. A request of ours has about ten; a frame of brackets alone would cost a hundred times its size. */
const MAX_VALUES = 1_000;
const MAX_NAME_LENGTH = 128;

export function parseRequestFrame(text: string): Result<RequestFrame, FrameFault> {
  if (!hasFewValues(text)) return err({ id: undefined, what: "too many values" });
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return err({ id: undefined, what: "not JSON" });
  }
  if (typeof frame !== "object" || frame === null || Array.isArray(frame))
    return err({ id: undefined, what: "not an object" });
  const { type, id, method, params } = frame as Record<string, unknown>;
  if (!isName(id)) return err({ id: undefined, what: "no id" });
  if (type !== "req") return err({ id, what: 'type is not "req"' });
  if (!isName(method)) return err({ id, what: "no method" });
  return ok({ type, id, method, params });
}

export function response(id: string, payload: unknown): ResponseFrame {
  return { type: "res", id, ok: true, payload };
}

export function errorResponse(id: string, error: FrameError): ResponseFrame {
  return { type: "res", id, ok: false, error };
}

export function eventFrame(event: string, payload: unknown, seq?: number): EventFrame {
  return seq === undefined ? { type: "event", event, payload } : { type: "event", event, payload, seq };
}

// Counts what begins a value outside strings, before anything is allocated for it.
function hasFewValues(text: string): boolean {
  let values = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22) inString = !inString;
    else if (inString && code === 0x5c) index += 1;
    else if (!inString && (code === 0x5b || code === 0x7b || code === 0x2c)) values += 1;
    if (values > MAX_VALUES) return false;
  }
  return true;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH;
}
