import { describe, expect, it } from "vitest";
import { JSON_ANSWER } from "../../bench/backend/answer.ts";
import { httpExchange, isAnswer } from "../../bench/load/http-exchange.ts";
import { openAddress } from "../../bench/peers/peer.ts";

const WHOLE = answer("200 OK", JSON_ANSWER);

describe("an answer under load", () => {
  it("is whole with its last byte, and not before", () => {
    const completing = [...WHOLE.keys()].filter((last) => isAnswer(WHOLE.subarray(0, last + 1)));
    expect(completing).toEqual([WHOLE.length - 1]);
  });

  it("is read across chunks, one after another", () => {
    const completes = httpExchange(openAddress(1)).reader();
    const chunks = [
      WHOLE.subarray(0, 20),
      WHOLE.subarray(20),
      WHOLE,
      WHOLE.subarray(0, 90),
      WHOLE.subarray(90),
    ];
    expect(chunks.map(completes)).toEqual([false, true, true, false, true]);
  });

  it.each([
    ["with another status", answer("302 Found", JSON_ANSWER), "a request was answered HTTP/1.1 302 Found"],
    ["with another length", answer("200 OK", "{}"), "an answer's content-length is 2"],
    [
      "with another body",
      answer("200 OK", JSON_ANSWER.replace("idle", "gone")),
      "an answer has another body than the backend's",
    ],
    [
      "with bytes behind it",
      Buffer.concat([WHOLE, Buffer.from("x")]),
      "an answer has another body than the backend's",
    ],
    [
      "without a length",
      Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
      "an answer's content-length is undefined",
    ],
  ])("%s is not measured", (_what, bytes, fault) => {
    expect(() => isAnswer(bytes)).toThrow(fault);
  });
});

function answer(status: string, body: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}
