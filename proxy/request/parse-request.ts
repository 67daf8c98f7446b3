// First stage: from Node's request to the one form that later stages compare. Refuses whatever two readers
// could take differently. Proves nothing about who is asking. No I/O.
import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import type { Denial } from "../../core/denial.ts";
import { newRequestId, type RequestId } from "../../core/ids.ts";
import { type Err, err, ok, type Result } from "../../core/result.ts";
import { readSessionCookie } from "./cookie.ts";
import { handshakeFault } from "./handshake.ts";
import { originFault } from "./origin.ts";
import type { Credential, ParsedRequest } from "./parsed-request.ts";
import { parseTarget } from "./path.ts";
import { peerAddress } from "./peer-address.ts";

export type RequestRules = {
  /** Serialised origin of this front door. */
  readonly publicUrl: string;
  readonly cookieName: string;
  readonly headerCount: number;
  readonly trustedProxies: BlockList | undefined;
};

/** A refusal knows the request's id and peer even when nothing else could be read. */
export type RefusedRequest = {
  readonly denial: Denial;
  readonly id: RequestId;
  readonly peer: string;
  readonly kind: ParsedRequest["kind"];
  readonly method: string;
  readonly path: string | null;
};

/** Of Node's request, or of one that a proxy describes. */
export type RequestHead = Pick<IncomingMessage, "method" | "url" | "httpVersion"> & {
  /** Names, in any case, and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined };
};

export type Arrival =
  | { readonly kind: "request" }
  | { readonly kind: "upgrade"; readonly bytesBehind: number };

// Several lines of these are one list (RFC 9110 §5.3); any other name twice is refused, so that no stage and
// no gateway takes the first where another takes the last (S13, S103).
const MAY_REPEAT = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "connection",
  "cookie",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "via",
  "x-forwarded-for",
]);

export function parseRequest(
  incoming: RequestHead,
  arrival: Arrival,
  rules: RequestRules,
): Result<ParsedRequest, RefusedRequest> {
  const id = newRequestId();
  const method = incoming.method ?? "";
  const headers = collectHeaders(incoming.rawHeaders, rules.headerCount);
  const readable = headers.ok ? headers.value : new Map<string, string>();
  const peer = peerAddress(
    incoming.socket.remoteAddress,
    readable.get("x-forwarded-for"),
    rules.trustedProxies,
  );
  const kind = arrival.kind === "upgrade" ? "upgrade" : isNavigation(method, readable) ? "navigation" : "api";
  const refuse = (denial: Denial, path: string | null = null): Err<RefusedRequest> =>
    err({ denial, id, peer, kind, method, path });

  if (!headers.ok) return refuse(headers.error);
  if (incoming.httpVersion !== "1.1")
    return refuse({ code: "request_malformed", what: "only HTTP/1.1 is served" });
  const target = parseTarget(incoming.url ?? "");
  if (!target.ok) return refuse({ code: "request_malformed", what: target.error });
  const { path, segments, query } = target.value;
  const host = headers.value.get("host") ?? "";
  if (originOfHost(host, rules.publicUrl) !== rules.publicUrl)
    return refuse({ code: "host_unknown", host }, path);

  const credential = readCredential(headers.value, rules.cookieName);
  if (!credential.ok) return refuse(credential.error, path);
  if (arrival.kind === "upgrade") {
    const fault = handshakeFault(method, headers.value, arrival.bytesBehind);
    if (fault !== undefined) return refuse(fault, path);
  }
  const foreign = originFault(kind, method, credential.value, headers.value.get("origin"), rules.publicUrl);
  if (foreign !== undefined) return refuse(foreign, path);

  return ok({
    id,
    method,
    path,
    segments,
    query,
    kind,
    credential: credential.value,
    peer,
    headers: headers.value,
    isRepeated: false,
  });
}

/**
 * Another request without a body by the same client, that differs in method and target at most.
 * @param before parsed from the very same fields
 * @returns undefined when the target is malformed
 */
export function parseRepeated(
  before: ParsedRequest,
  method: "GET" | "HEAD",
  url: string,
): ParsedRequest | undefined {
  const target = parseTarget(url);
  if (!target.ok) return undefined;
  const { path, segments, query } = target.value;
  return { ...before, id: newRequestId(), method, path, segments, query, isRepeated: true };
}

// Node drops what is past its own count limit while still reading the body they announce (CVE-2026-58044):
// a request that reaches ours is refused before anything in it is believed.
function collectHeaders(raw: readonly string[], limit: number): Result<ReadonlyMap<string, string>, Denial> {
  if (raw.length / 2 > limit) return err({ code: "headers_too_large", what: `more than ${limit} headers` });
  const headers = new Map<string, string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    const before = headers.get(name);
    if (before === undefined) headers.set(name, value);
    else if (MAY_REPEAT.has(name)) headers.set(name, `${before}${name === "cookie" ? "; " : ", "}${value}`);
    else if (isForwardable(name))
      return err({ code: "request_malformed", what: `header ${JSON.stringify(name)} sent twice` });
  }
  return ok(headers);
}

// A header that no stage reads and no gateway gets may come as often as it likes; identity headers of a
// client are such: they are dropped, whatever their spelling and number (S1 to S6).
function isForwardable(name: string): boolean {
  return !name.startsWith("x-") && !name.includes("_");
}

function originOfHost(host: string, publicUrl: string): string | undefined {
  if (publicUrl.endsWith(`//${host}`)) return publicUrl;
  // Userinfo, path and the like have no place in Host (RFC 9110 §7.2) and must not be parsed away.
  if (!/^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/.test(host)) return undefined;
  const url = `${publicUrl.slice(0, publicUrl.indexOf(":"))}://${host}`;
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function readCredential(
  headers: ReadonlyMap<string, string>,
  cookieName: string,
): Result<Credential, Denial> {
  const cookie = readSessionCookie(headers.get("cookie"), cookieName);
  const authorization = headers.get("authorization");
  if (authorization === undefined) return ok(cookie);
  if (cookie.kind !== "none")
    return err({ code: "credentials_ambiguous", what: "session cookie and authorization header" });
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  return ok(token === undefined ? { kind: "other-scheme" } : { kind: "bearer", token });
}

// Fetch metadata where the browser sends it, Accept where it does not. Only decides how a refusal looks.
function isNavigation(method: string, headers: ReadonlyMap<string, string>): boolean {
  if (method !== "GET" && method !== "HEAD") {
    return headers.get("sec-fetch-mode") === "navigate";
  }
  const mode = headers.get("sec-fetch-mode");
  return mode === undefined ? (headers.get("accept") ?? "").includes("text/html") : mode === "navigate";
}
