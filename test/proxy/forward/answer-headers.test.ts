import { describe, expect, it, test } from "vitest";
import { answerHeaders, answerTrailers } from "../../../proxy/forward/answer-headers.ts";

const OURS = [
  ["content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"],
  ["x-content-type-options", "nosniff"],
  ["x-request-id", "r_1"],
];
const NO_STORE = ["cache-control", "no-store"];

/** As pairs, for reading. */
function answer(...received: readonly (readonly [string, string])[]): string[][] {
  return answerWith(200, ...received);
}

function answerWith(status: number, ...received: readonly (readonly [string, string])[]): string[][] {
  const flat = answerHeaders(status, raw(received), "r_1");
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : []));
}

/** As a head is read: names in lower case. */
function raw(headers: readonly (readonly [string, string])[]): string[] {
  return headers.flatMap(([name, value]) => [name.toLowerCase(), value]);
}

describe("what reaches the client of a gateway's answer", () => {
  it("of one without headers is what the door adds", () => {
    expect(answer()).toEqual([NO_STORE, ...OURS]);
  });

  it("is what describes the content, in lower case and in order", () => {
    const received = [
      ["Content-Type", "text/event-stream"],
      ["Content-Length", "11"],
      ["ETag", '"1"'],
      ["Cache-Control", "private, max-age=60"],
      ["Vary", "accept"],
      ["Vary", "origin"],
      ["X-Custom", "kept"],
    ] as const;
    expect(answer(...received)).toEqual([
      ...received.map(([name, value]) => [name.toLowerCase(), value]),
      ...OURS,
    ]);
  });

  test.each([
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Set-Cookie",
    "Clear-Site-Data",
    "Alt-Svc",
    "Strict-Transport-Security",
    "Public-Key-Pins",
    "NEL",
    "Report-To",
    "Reporting-Endpoints",
    "Accept-CH",
    "Set-Login",
    "Service-Worker-Allowed",
    "Secure-Session-Registration",
    "X-Accel-Redirect",
    "X-Sendfile",
    "WWW-Authenticate",
    "X-Gateway-Assertion",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Content-Security-Policy-Report-Only",
  ])("is never %s, in whatever case", (name) => {
    expect(answer([name, "1"], [name.toLowerCase(), "2"], [name.toUpperCase(), "3"])).toEqual([
      NO_STORE,
      ...OURS,
    ]);
  });

  it("is the door's own policy, whatever the gateway would allow", () => {
    const received = [
      ["Content-Security-Policy", "default-src *"],
      ["X-Content-Type-Options", "none"],
      ["X-Request-Id", "r_forged"],
    ] as const;
    expect(answer(...received)).toEqual([NO_STORE, ...OURS]);
  });

  it("lacks what Connection names, but never what the door adds", () => {
    const connection = ["Connection", "close, X-Hop , content-security-policy,x-request-id"] as const;
    expect(answer(connection, ["X-Hop", "1"], ["X-Kept", "2"])).toEqual([["x-kept", "2"], NO_STORE, ...OURS]);
  });

  it("is not stored even when Connection names Cache-Control", () => {
    expect(answer(["Connection", "cache-control"], ["Cache-Control", "public"])).toEqual([NO_STORE, ...OURS]);
  });

  it("has a cache-control of the door's where that word is only in another header's value", () => {
    const received = [
      ["Connection", "close, x-hop, Cache-Control"],
      ["Vary", "cache-control"],
    ] as const;
    expect(answer(...received)).toEqual([["vary", "cache-control"], NO_STORE, ...OURS]);
  });

  it("is byte for byte what the gateway wrote, beyond ASCII too", () => {
    expect(answer(["X-Name", "Zo\xeb\xff"])).toEqual([["x-name", "Zo\xeb\xff"], NO_STORE, ...OURS]);
  });

  it("has a length with 304, which says that of the stored answer, and none with 204", () => {
    const received = ["Content-Length", "5"] as const;
    expect(answerWith(304, received)).toEqual([["content-length", "5"], NO_STORE, ...OURS]);
    expect(answerWith(204, received)).toEqual([NO_STORE, ...OURS]);
  });
});

describe("what reaches the client of a gateway's trailers", () => {
  it("is what only describes the body that was sent", () => {
    const received = [
      ["Server-Timing", "total;dur=1"],
      ["X-Checksum", "a"],
      ["X-Checksum", "b"],
    ] as const;
    expect(answerTrailers(raw(received))).toEqual([
      ["server-timing", "total;dur=1"],
      ["x-checksum", "a"],
      ["x-checksum", "b"],
    ]);
  });

  test.each([
    "Transfer-Encoding",
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Cache-Control",
    "Location",
    "Set-Cookie",
    "Content-Security-Policy",
    "X-Request-Id",
    "X-Gateway-Assertion",
    "Connection",
    "Trailer",
  ])("is never %s", (name) => {
    expect(answerTrailers(raw([[name, "1"]]))).toEqual([]);
  });
});
