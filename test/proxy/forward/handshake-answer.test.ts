import { describe, expect, it, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import type { HeaderList } from "../../../proxy/assert/header-block.ts";
import { parseAnswerHead } from "../../../proxy/forward/answer-head.ts";
import { acceptOf, handshakeOf } from "../../../proxy/forward/handshake-answer.ts";
import { ACCEPT, answerOf, KEY, switching } from "./raw-gateway.ts";

const SENT: HeaderList = [
  "sec-websocket-key",
  KEY,
  "sec-websocket-protocol",
  "chat, superchat",
  "sec-websocket-extensions",
  "permessage-deflate; client_max_window_bits, x-other",
];

function judge(answer: string, sent = SENT) {
  const head = parseAnswerHead(Buffer.from(answer, "latin1"), 0);
  if (head?.ok !== true) throw new Error("not a head");
  return handshakeOf(head.value, sent);
}

const valid = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${ACCEPT}`];

function without(index: number, ...instead: readonly string[]): string {
  return answerOf("101 OK", ...valid.filter((_, at) => at !== index), ...instead);
}

test("the answer to a key is the one of RFC 6455 §1.3", () => {
  expect(acceptOf(KEY)).toBe(ACCEPT);
});

describe("a gateway's answer to an upgrade", () => {
  it("is a handshake when it is a 101 that says nothing but what was asked", () => {
    expect(judge(switching())).toEqual(ok({ accept: ACCEPT, protocol: undefined, extensions: undefined }));
  });

  it("may choose of what was offered, extensions in several lines", () => {
    const answer = switching(
      "Sec-WebSocket-Protocol: superchat",
      "Sec-WebSocket-Extensions: Permessage-Deflate; server_no_context_takeover",
      "Sec-WebSocket-Extensions: x-other",
    );
    expect(judge(answer)).toEqual(
      ok({
        accept: ACCEPT,
        protocol: "superchat",
        extensions: "Permessage-Deflate; server_no_context_takeover, x-other",
      }),
    );
  });

  test.each([
    ["Upgrade: WebSocket", "Connection: keep-alive, Upgrade"],
    ["Upgrade: websocket", "Connection: keep-alive\r\nConnection: upgrade"],
  ])("may spell it so: %j, %j", (...lines) => {
    expect(judge(answerOf("101", ...lines, valid[2] ?? ""))).toMatchObject({ ok: true });
  });

  const H2C = "101 to something other than websocket";
  const ACCEPTS = "a wrong sec-websocket-accept";
  const PROTOCOL = "a subprotocol that was not offered";
  const EXTENSION = "an extension that was not offered";
  test.each([
    [answerOf("200 OK", ...valid), "status 200 to an upgrade"],
    [answerOf("100 Continue", ...valid), "status 100 to an upgrade"],
    [answerOf("103 Early Hints", ...valid), "status 103 to an upgrade"],
    [without(0), H2C],
    [without(0, "Upgrade: h2c"), H2C],
    [without(0, "Upgrade: websocket, h2c"), H2C],
    [switching("Upgrade: websocket"), H2C],
    [without(1), "101 that does not name upgrade"],
    [without(1, "Connection: keep-alive"), "101 that does not name upgrade"],
    [without(1, "Connection: x-upgrade"), "101 that does not name upgrade"],
    [switching("Content-Length: 0"), "101 with a body"],
    [switching("Transfer-Encoding: chunked"), "101 with a body"],
    [without(2), ACCEPTS],
    [without(2, `Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`), ACCEPTS],
    [switching(`Sec-WebSocket-Accept: ${ACCEPT}`), ACCEPTS],
    [switching("Sec-WebSocket-Protocol: other"), PROTOCOL],
    [switching("Sec-WebSocket-Protocol: Chat"), PROTOCOL],
    [switching("Sec-WebSocket-Protocol:"), PROTOCOL],
    [switching("Sec-WebSocket-Protocol: chat, superchat"), PROTOCOL],
    [switching("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"), PROTOCOL],
    [switching("Sec-WebSocket-Extensions: x-evil"), EXTENSION],
    [switching("Sec-WebSocket-Extensions: permessage-deflate, x-evil"), EXTENSION],
    [
      switching("Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: x-evil"),
      EXTENSION,
    ],
  ])("is refused: %j", (answer, fault) => {
    expect(judge(answer)).toEqual(err(fault));
  });

  test.each([
    ["Sec-WebSocket-Protocol: chat", PROTOCOL],
    ["Sec-WebSocket-Protocol:", PROTOCOL],
    ["Sec-WebSocket-Extensions: permessage-deflate", EXTENSION],
  ])("may choose nothing where nothing was offered: %s", (line, fault) => {
    expect(judge(switching(line), ["sec-websocket-key", KEY])).toEqual(err(fault));
  });
});
