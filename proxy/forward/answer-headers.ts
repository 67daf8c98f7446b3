// What of a gateway's answer reaches the client. A gateway's answers come from the door's own origin here, so
// nothing in them may act as a page of it: no cookies, no script, no word about the origin's transport.

const HOP_BY_HOP = new Set([
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
]);

const NOT_THE_GATEWAYS = new Set([
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
]);

/** @param received flat list of names and values, untrusted */
export function answerHeaders(received: readonly string[], requestId: string): string[] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < received.length; index += 2) {
    pairs.push([(received[index] ?? "").toLowerCase(), received[index + 1] ?? ""]);
  }
  const named = pairs
    .filter(([name]) => name === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(","));
  const dropped = new Set(named.map((name) => name.trim()));
  const kept = pairs.filter(
    ([name]) => !HOP_BY_HOP.has(name) && !NOT_THE_GATEWAYS.has(name) && !dropped.has(name),
  );
  if (!kept.some(([name]) => name === "cache-control")) kept.push(["cache-control", "no-store"]);
  kept.push(
    ["content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"],
    ["x-content-type-options", "nosniff"],
    ["x-request-id", requestId],
  );
  return kept.flat();
}
