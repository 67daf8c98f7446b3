// The two answers to a proxy that asks. Yes: where to, and what the gateway is told. No: 401 or 403, which is all that
// nginx's auth_request understands, with the refusal itself in headers. Nobody keeps either.
import type { Denial } from "../../core/denial.ts";
import { allHeaders, type OutgoingHeaders } from "../assert/outgoing-headers.ts";
import type { ClientAnswer } from "../client-answer.ts";
import { jsonRefusal, type Wording } from "../refuse/refusal.ts";
import type { RefusalContext } from "../refuse/refusal-page.ts";
import type { Upstream } from "../route/pick-endpoint.ts";

/** @param headers as a gateway would get them from this door; the proxy has the client's own already */
export function answerYes(answer: ClientAnswer, upstream: Upstream, headers: OutgoingHeaders): void {
  const { userHeader } = upstream.gateway;
  const told = ["x-gatehouse-upstream", upstream.endpoint.url];
  const all = allHeaders(headers);
  for (let index = 0; index < all.length; index += 2) {
    const [name = "", value = ""] = [all[index], all[index + 1]];
    if (isOurs(name) || name === userHeader) told.push(name, value);
  }
  told.push("cache-control", "no-store", "content-length", "0");
  answer.writeHead(200, told);
  answer.end();
}

/** Clients' headers of these names never reach a gateway: whatever has one was written here. */
function isOurs(name: string): boolean {
  return name.startsWith("x-") || name === "traceparent";
}

export function answerNo(
  answer: ClientAnswer,
  denial: Denial,
  context: Wording & Pick<RefusalContext, "requestId">,
): void {
  const { status, headers, body } = jsonRefusal(denial, context);
  const fields = {
    ...headers,
    "x-gatehouse-code": denial.code,
    "x-gatehouse-status": String(status),
    // In ASCII, for a proxy that cannot pass a body on.
    "x-gatehouse-refusal": body.replace(/[^\x20-\x7e]/g, escaped),
  };
  answer.writeHead(status === 401 ? 401 : 403, Object.entries(fields).flat());
  answer.end(body);
}

/** In JSON, text that is not ASCII stands inside strings only. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
