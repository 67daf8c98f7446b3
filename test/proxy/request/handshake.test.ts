import { describe, expect, it, test } from "vitest";
import { handshakeFault } from "../../../proxy/request/handshake.ts";

const HEADERS = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

function faultOf(changes: Record<string, string | undefined>, method = "GET", bytesBehind = 0) {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries({ ...HEADERS, ...changes })) {
    if (value !== undefined) headers.set(name, value);
  }
  return handshakeFault(method, headers, bytesBehind);
}

describe("a handshake", () => {
  test.each([
    ["as RFC 6455 writes it", {}],
    ["in another case", { upgrade: "WebSocket", connection: "UPGRADE" }],
    ["with more in Connection, as Firefox sends it", { connection: "keep-alive, Upgrade" }],
  ])("is taken %s", (_how, changes) => {
    expect(faultOf(changes)).toBeUndefined();
  });

  test.each(["POST", "OPTIONS", "HEAD", "get"])("is refused with the method %s", (method) => {
    expect(faultOf({}, method)).toEqual({ code: "method_not_allowed", method, allow: ["GET"] });
  });

  test.each([
    ["no Upgrade", { upgrade: undefined }, "upgrade is not websocket"],
    ["h2c", { upgrade: "h2c" }, "upgrade is not websocket"],
    ["two protocols", { upgrade: "websocket, h2c" }, "upgrade is not websocket"],
    ["no Connection", { connection: undefined }, "connection does not name upgrade"],
    ["another Connection", { connection: "keep-alive" }, "connection does not name upgrade"],
    ["a longer word in Connection", { connection: "upgrades" }, "connection does not name upgrade"],
    ["no version", { "sec-websocket-version": undefined }, "sec-websocket-version is not 13"],
    ["version 777", { "sec-websocket-version": "777" }, "sec-websocket-version is not 13"],
    ["two versions", { "sec-websocket-version": "13, 8" }, "sec-websocket-version is not 13"],
    ["no key", { "sec-websocket-key": undefined }, "sec-websocket-key is not 16 bytes in base64"],
    ["a short key", { "sec-websocket-key": "AAAA" }, "sec-websocket-key is not 16 bytes in base64"],
    [
      "a long key",
      { "sec-websocket-key": `${"A".repeat(30)}==` },
      "sec-websocket-key is not 16 bytes in base64",
    ],
    [
      "a base64url key",
      { "sec-websocket-key": `${"-".repeat(22)}==` },
      "sec-websocket-key is not 16 bytes in base64",
    ],
    ["a length", { "content-length": "5" }, "an upgrade has no body"],
    ["a length of 0", { "content-length": "0" }, "an upgrade has no body"],
    ["chunks", { "transfer-encoding": "chunked" }, "an upgrade has no body"],
    ["HTTP/2 settings", { "http2-settings": "AAMAAABk" }, "http2-settings on a websocket upgrade"],
  ])("is refused with %s", (_what, changes, what) => {
    expect(faultOf(changes)).toEqual({ code: "upgrade_invalid", what });
  });

  it("is refused when bytes come before the answer", () => {
    expect(faultOf({}, "GET", 1)).toEqual({ code: "upgrade_invalid", what: "bytes before 101" });
  });
});
