// What an answer to a denial consists of, and its three usual forms. The words are in denial-answer.ts. Pure.
import type { DenialCode } from "./denial.ts";

export type DenialAnswer = {
  readonly code: DenialCode;
  readonly status: number;
  /** One short sentence without blame, for a page's heading. */
  readonly title: string;
  /** What to do next. Plain text; may hold names from the request, so a page escapes it. */
  readonly message: string;
  /** Close code when a WebSocket is already open (RFC 6455 §7.4.1). */
  readonly closeCode: 1008 | 1012 | 1013;
  /** RFC 9110 §10.2.3, seconds. */
  readonly retryAfterSeconds?: number;
  /** RFC 9110 §11.6.1, on every 401. */
  readonly wwwAuthenticate?: string;
  /** RFC 9110 §10.2.1, on 405. */
  readonly allow?: string;
};

const RETRY_SECONDS = 5;

/** No, and asking again is no again. */
export function refusal(code: DenialCode, status: number, title: string, message: string): DenialAnswer {
  return { code, status, title, message, closeCode: 1008 };
}

/** It is not known who asks. */
export function unauthenticated(
  code: DenialCode,
  title: string,
  message: string,
  challenge: string,
): DenialAnswer {
  return { ...refusal(code, 401, title, message), wwwAuthenticate: challenge };
}

/** Not now. */
export function unavailable(
  code: DenialCode,
  status: number,
  title: string,
  message: string,
  retryAfterSeconds = RETRY_SECONDS,
): DenialAnswer {
  return { code, status, title, message, closeCode: 1013, retryAfterSeconds };
}
