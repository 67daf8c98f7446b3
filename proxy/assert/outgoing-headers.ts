// The two functions that build what a gateway receives. They start from nothing and add: a few of the client's
// headers by exact name, the forwarding set, the identity, the assertion. Whatever a client sent under other
// names, in any spelling, has no way in (rows S1 to S25, test/attack/identity-headers.test.ts).
import { ASSERTION_HEADER, type AssertionUse } from "../../core/assertion.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import { randomId } from "../../core/random-id.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import type { HeaderBlock, HeaderList } from "./header-block.ts";
import { headerList, headerText } from "./header-text.ts";

export type OutgoingHeaders = {
  /** The very same for requests that differ in what `own` holds alone. */
  readonly shared: HeaderBlock;
  readonly own: HeaderList;
};

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

export function sharedHeaders(
  request: ParsedRequest,
  identity: VerifiedIdentity,
  upstream: Upstream,
  assertion: string,
  use: AssertionUse,
  publicUrl: string,
): HeaderList {
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

/** Those that say which request it is. */
export function ownHeaders(request: ParsedRequest): HeaderList {
  return ["x-request-id", request.id, "traceparent", traceparentOf(request.headers.get("traceparent"))];
}

/** All, names and values in turn. */
export function allHeaders({ shared, own }: OutgoingHeaders): HeaderList {
  return [...shared.list, ...own];
}

/** All, each name with its value, for who shows them. */
export function headerPairs(headers: OutgoingHeaders): (readonly [string, string])[] {
  const all = allHeaders(headers);
  return all.flatMap((name, index) => (index % 2 === 0 ? [[name, all[index + 1] ?? ""] as const] : []));
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
