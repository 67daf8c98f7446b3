// The two answers to a proxy that asks. Yes: where to, and what the gateway is told. No: 401 or 403, which is all that
// nginx's auth_request understands, with the refusal itself in headers. Nobody keeps either.
import type { ServerResponse } from "node:http";
import type { Denial } from "../../core/denial.ts";
import { allHeaders, type OutgoingHeaders } from "../assert/outgoing-headers.ts";
import { jsonRefusal, type Wording } from "../refuse/refusal.ts";
import type { RefusalContext } from "../refuse/refusal-page.ts";
import type { Upstream } from "../route/pick-endpoint.ts";

/** @param headers as a gateway would get them from this door; the proxy has the client's own already */
export function answerYes(response: ServerResponse, upstream: Upstream, headers: OutgoingHeaders): void {
  const { userHeader } = upstream.gateway;
  const told = ["x-gatehouse-upstream", upstream.endpoint.url];
  const all = allHeaders(headers);
  for (let index = 0; index < all.length; index += 2) {
    const [name = "", value = ""] = [all[index], all[index + 1]];
    if (isOurs(name) || name === userHeader) told.push(name, value);
  }
  response.writeHead(200, [...told, "cache-control", "no-store", "content-length", "0"]).end();
}

/** Clients' headers of these names never reach a gateway: whatever has one was written here. */
function isOurs(name: string): boolean {
  return name.startsWith("x-") || name === "traceparent";
}

export function answerNo(
  response: ServerResponse,
  denial: Denial,
  context: Wording & Pick<RefusalContext, "requestId">,
): void {
  const { status, headers, body } = jsonRefusal(denial, context);
  response.writeHead(status === 401 ? 401 : 403, {
    ...headers,
    "x-gatehouse-code": denial.code,
    "x-gatehouse-status": String(status),
    // In ASCII, for a proxy that cannot pass a body on.
    "x-gatehouse-refusal": body.replace(/[^\x20-\x7e]/g, escaped),
  });
  response.end(body);
}

/** In JSON, text that is not ASCII stands inside strings only. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
