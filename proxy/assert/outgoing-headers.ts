// The one function that builds what a gateway receives. It starts from nothing and adds: a few of the client's
// headers by exact name, the forwarding set, the identity, the assertion last. Whatever a client sent under
// other names, in any spelling, has no way in (rows S1 to S25, test/attack/identity-headers.test.ts).
import { ASSERTION_HEADER, type AssertionUse } from "../../core/assertion.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import { randomId } from "../../core/random-id.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { headerList, headerText } from "./header-text.ts";

/** Names, in lower case, and values in turn, in the order sent. */
export type OutgoingHeaders = readonly string[];

const FOR_BOTH = ["accept-language", "origin", "user-agent"];
const FOR_HTTP = [
  "accept",
  "accept-encoding",
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "range",
];
const FOR_UPGRADE = [
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
];
const OF_THE_CLIENT = { http: [...FOR_BOTH, ...FOR_HTTP], upgrade: [...FOR_BOTH, ...FOR_UPGRADE] };

export function outgoingHeaders(
  request: ParsedRequest,
  identity: VerifiedIdentity,
  upstream: Upstream,
  assertion: string,
  use: AssertionUse,
  publicUrl: string,
): OutgoingHeaders {
  const headers = ["host", hostOf(upstream.endpoint.url)];
  const kind = use === "http" ? "http" : "upgrade";
  if (kind === "upgrade") headers.push("connection", "Upgrade", "upgrade", "websocket");
  for (const name of OF_THE_CLIENT[kind]) {
    const value = request.headers.get(name);
    if (value !== undefined) headers.push(name, value);
  }
  headers.push("x-forwarded-for", request.peer);
  headers.push("x-forwarded-proto", publicUrl.slice(0, publicUrl.indexOf(":")));
  headers.push("x-forwarded-host", hostOf(publicUrl));
  headers.push("x-request-id", request.id);
  headers.push("traceparent", traceparentOf(request.headers.get("traceparent")));
  headers.push("x-user-id", identity.userId);
  // What nobody has verified could be somebody else's, and some gateways know people by it.
  if (identity.email !== null && identity.emailTrusted)
    headers.push("x-user-email", headerText(identity.email));
  if (identity.name !== null) headers.push("x-user-name", headerText(identity.name));
  if (upstream.gateway.sendGroups) headers.push("x-user-groups", headerList(identity.groups));
  if (upstream.gateway.userHeader !== undefined) headers.push(upstream.gateway.userHeader, identity.userId);
  headers.push(ASSERTION_HEADER, assertion);
  return headers;
}

/** The same, each name with its value, for who shows them. */
export function headerPairs(headers: OutgoingHeaders): (readonly [string, string])[] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? ""] as const] : [],
  );
}

/** @param origin serialised, as configuration has it */
function hostOf(origin: string): string {
  return origin.slice(origin.indexOf("//") + 2);
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

// W3C Trace Context §3.2. A malformed one starts a new trace, as §4.3 says.
function traceparentOf(sent: string | undefined): string {
  if (sent !== undefined && TRACEPARENT.test(sent)) return sent;
  return `00-${randomId(16, "hex")}-${randomId(8, "hex")}-01`;
}
