// What of a gateway's answer reaches the client. A gateway's answers come from the door's own origin here, so
// nothing in them may act as a page of it: no cookies, no script, no word about the origin's transport. Pure.

const HOP_BY_HOP = [
  // RFC 9110 §7.6.1, and those that RFC 2616 §13.5.1 listed.
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Held equal to docs/headers.md and nginx/parts/to-gateway.conf by test/nginx/headers.test.ts. */
export const NOT_THE_GATEWAYS: readonly string[] = [
  "set-cookie",
  "clear-site-data",
  "alt-svc",
  "strict-transport-security",
  "public-key-pins",
  "nel",
  "report-to",
  "reporting-endpoints",
  "accept-ch",
  "set-login",
  "content-security-policy",
  "content-security-policy-report-only",
  "x-content-type-options",
  "x-gateway-assertion",
  "x-request-id",
  "www-authenticate",
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "service-worker-allowed",
  "sec-session-registration",
  "secure-session-registration",
  // Orders to a proxy in front of the door (nginx, Apache, lighttpd): to answer with another location or a file.
  "x-accel-redirect",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-charset",
  "x-sendfile",
  "x-lighttpd-send-file",
];

// RFC 9110 §6.5.1: framing, routing, control, content format. What a client has already acted on is not said anew.
const NOT_IN_TRAILERS = [
  "age",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "expires",
  "host",
  "location",
  "pragma",
  "retry-after",
  "vary",
];

const DROPPED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...NOT_THE_GATEWAYS]);
const DROPPED_TRAILERS: ReadonlySet<string> = new Set([...DROPPED, ...NOT_IN_TRAILERS]);

/**
 * @param received names, in lower case, and values in turn, untrusted; of a head that is well-formed
 * @returns names and values in turn, as `writeHead` takes them
 */
export function answerHeaders(status: number, received: readonly string[], requestId: string): string[] {
  let kept: string[] = [];
  let connection = "";
  let hasCacheControl = false;
  for (let index = 0; index + 1 < received.length; index += 2) {
    const [name = "", value = ""] = [received[index], received[index + 1]];
    if (DROPPED.has(name)) {
      if (name === "connection") connection += `,${value}`;
      continue;
    }
    // RFC 9110 §8.6: not in a 204, where a reader could wait for it.
    if (status === 204 && name === "content-length") continue;
    if (name === "cache-control") hasCacheControl = true;
    kept.push(name, value);
  }
  if (connection !== "" && !/^,(keep-alive|close)$/i.test(connection)) {
    const named = new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
    // RFC 9110 §7.6.1: what Connection names is for the next hop only.
    kept = kept.filter((_, index) => !named.has(kept[index - (index % 2)] ?? ""));
    if (named.has("cache-control")) hasCacheControl = false;
  }
  if (!hasCacheControl) kept.push("cache-control", "no-store");
  kept.push(
    "content-security-policy",
    "sandbox; default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options",
    "nosniff",
    "x-request-id",
    requestId,
  );
  return kept;
}

/** @param received as of {@link answerHeaders} */
export function answerTrailers(received: readonly string[]): [string, string][] {
  const kept: [string, string][] = [];
  for (let index = 0; index + 1 < received.length; index += 2) {
    const [name = "", value = ""] = [received[index], received[index + 1]];
    if (!DROPPED_TRAILERS.has(name)) kept.push([name, value]);
  }
  return kept;
}
