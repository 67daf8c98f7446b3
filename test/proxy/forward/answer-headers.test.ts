import { describe, expect, it, test } from "vitest";
import { answerHeaders } from "../../../proxy/forward/answer-headers.ts";

const OURS = [
  ["content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"],
  ["x-content-type-options", "nosniff"],
  ["x-request-id", "r_1"],
];
const NO_STORE = ["cache-control", "no-store"];

/** As pairs, for reading. */
function answer(...received: readonly (readonly [string, string])[]): string[][] {
  const flat = answerHeaders(received.flat(), "r_1");
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : []));
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
});
