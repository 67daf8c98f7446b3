// Which header names a gateway's `userHeader` may not take: one that the front door writes, that HTTP frames
// messages with, or that something on the way believes. Setting it twice would leave the meaning to chance (S4).
import { ASSERTION_HEADER } from "../core/assertion.ts";

const RESERVED = new Set([
  ASSERTION_HEADER,
  // RFC 9110 §7.6.1 and RFC 9112: hop-by-hop and framing
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "host",
  "expect",
  "max-forwards",
  // credentials, and what browsers and caches act on
  "authorization",
  "cookie",
  "cookie2",
  "set-cookie",
  "origin",
  "referer",
  "date",
  "range",
  "cache-control",
  "pragma",
  "user-agent",
  // who forwarded what
  "forwarded",
  "via",
  "x-forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
  "x-forwarded-uri",
  "x-forwarded-client-cert",
  "x-real-ip",
  "x-request-id",
  "x-http-method-override",
  "traceparent",
  "tracestate",
  "baggage",
]);

// The front door's own families, OpenClaw's and Tailscale's identity headers, and those of HTTP and fetch.
const RESERVED_FAMILIES = [
  "x-user-",
  "x-gateway-",
  "x-gatehouse-",
  "x-openclaw-",
  "tailscale-",
  "sec-",
  "proxy-",
  "content-",
  "accept",
  "access-control-",
  "if-",
];

/** @param name a header name of letters, digits and hyphens, in any case */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_FAMILIES.some((family) => lower.startsWith(family));
}
