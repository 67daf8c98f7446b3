// How a refusal is written: the same status, headers and body whether the request was plain or an upgrade.
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorAnswer } from "../../core/api.ts";
import type { Denial } from "../../core/denial.ts";
import { answerTo } from "../../core/denial-answer.ts";
import type { RequestId } from "../../core/ids.ts";

export function refuseRequest(response: ServerResponse, denial: Denial, requestId: RequestId): void {
  const { status, headers, body } = refusalOf(denial, requestId);
  response.writeHead(status, headers).end(body);
}

/**
 * Answers before `101` and reads nothing further: bytes behind a refused upgrade are nobody's (RFC 9931).
 * @param now milliseconds since 1970: a front door that is refused measures by `Date` how far the clocks are apart
 */
export function refuseUpgrade(socket: Duplex, denial: Denial, requestId: RequestId, now: number): void {
  const { status, headers: all, body } = refusalOf(denial, requestId);
  const headers = { ...all, date: new Date(now).toUTCString() };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join("")}\r\n${body}`, () =>
    socket.destroy(),
  );
}

function refusalOf(denial: Denial, requestId: RequestId) {
  const answer = answerTo(denial);
  const error: ErrorAnswer["error"] = {
    code: answer.code,
    message: answer.message,
    requestId,
    ...(denial.code === "assertion_invalid" ? { reason: denial.fault } : {}),
  };
  const body = JSON.stringify({ error });
  const headers: Record<string, string> = {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
    connection: "close",
  };
  if (answer.wwwAuthenticate !== undefined) headers["www-authenticate"] = answer.wwwAuthenticate;
  if (answer.allow !== undefined) headers["allow"] = answer.allow;
  if (answer.retryAfterSeconds !== undefined) headers["retry-after"] = String(answer.retryAfterSeconds);
  return { status: answer.status, headers, body };
}
