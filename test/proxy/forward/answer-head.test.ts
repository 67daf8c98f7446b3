import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { parseAnswerHead } from "../../../proxy/forward/answer-head.ts";
import { answerOf, switching } from "./raw-gateway.ts";

function parse(text: string) {
  return parseAnswerHead(Buffer.from(text, "latin1"), 0);
}

const NO_HTTP = err("an answer that is no HTTP/1.1");
const PAST_LIMIT = err("an answer head past its limit");
const BROKEN = err("an answer head with broken line ends");
const MALFORMED = err("a malformed line in the answer head");

describe("the head of a gateway's answer", () => {
  it("is its status, its headers in lower case with every value, and where it ends", () => {
    const head = answerOf("101 Switching Protocols", "Upgrade: websocket", "X-A:1", "x-a: \t two  words \t ");
    expect(parse(`${head}frames`)).toEqual(
      ok({
        status: 101,
        headers: ["upgrade", "websocket", "x-a", "1", "x-a", "two  words"],
        length: head.length,
      }),
    );
  });

  it("keeps every byte of a value but spaces and tabs around it", () => {
    expect(parse(answerOf("200 OK", "X-Said: \t voil\xc3\xa0 \t", "X-Blank: \t"))).toMatchObject({
      value: { headers: ["x-said", "voil\xc3\xa0", "x-blank", ""] },
    });
  });

  test.each([
    ["HTTP/1.1 503\r\n\r\n", 503],
    ["HTTP/1.1 503 \r\n\r\n", 503],
    ["HTTP/1.1 103 Early Hints\r\n\r\n", 103],
    ["HTTP/1.1 999 Gr\xfc\xdfe\r\n\r\n", 999],
  ])("needs no words behind the status: %j", (head, status) => {
    expect(parse(head)).toEqual(ok({ status, headers: [], length: head.length }));
  });

  test.each([
    ["HTTP/1.0 101 Switching Protocols", NO_HTTP],
    ["HTTP/2 101 Switching Protocols", NO_HTTP],
    ["http/1.1 101 Switching Protocols", NO_HTTP],
    ["HTTP/1.1  101 Switching Protocols", NO_HTTP],
    ["HTTP/1.1 101Switching", NO_HTTP],
    ["HTTP/1.1 1010", NO_HTTP],
    ["HTTP/1.1 011", NO_HTTP],
    ["HTTP/1.1 101 a\0b", NO_HTTP],
    ["HTTP/1.1 101 a\rb", NO_HTTP],
    ["HTTP/1.1 101 a\nb", NO_HTTP],
    ["SSH-2.0-OpenSSH_9.9", NO_HTTP],
    ["", NO_HTTP],
    ["HTTP/1.1 101 OK\r\nno colon", MALFORMED],
    ["HTTP/1.1 101 OK\r\n: no name", MALFORMED],
    ["HTTP/1.1 101 OK\r\nUpgrade : websocket", MALFORMED],
    ["HTTP/1.1 101 OK\r\nUp(grade: websocket", MALFORMED],
    ["HTTP/1.1 101 OK\r\nUpgr\xe4de: websocket", MALFORMED],
    ["HTTP/1.1 101 OK\r\n\r", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: 1\r\n folded", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: 1\r\n\tUpgrade: folded", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: 1\nUpgrade: websocket", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: 1\rUpgrade: websocket", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: a\0b", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: a\x7fb", MALFORMED],
    ["HTTP/1.1 101 OK\r\nX-A: a\x1bb", MALFORMED],
  ])("is refused: %j", (head, refused) => {
    expect(parse(`${head}\r\n\r\n`)).toEqual(refused);
  });

  it("has at most 100 headers", () => {
    const lines = Array.from({ length: 100 }, (_, index) => `x-${index}: a`);
    expect(parse(answerOf("101 OK", ...lines))).toMatchObject({ ok: true });
    expect(parse(answerOf("101 OK", ...lines, "x: a"))).toEqual(PAST_LIMIT);
  });

  it("has at most 16 KiB, whether it has an end or not", () => {
    const start = "HTTP/1.1 101 OK\r\nx: ";
    const fits = start + "a".repeat(16 * 1024 - start.length);
    expect(parse(`${fits}\r\n\r\n`)).toMatchObject({ ok: true });
    expect(parse(`${fits}a\r\n\r\n`)).toEqual(PAST_LIMIT);
    expect(parse(fits)).toBeUndefined();
    expect(parse(`${fits}a`)).toEqual(PAST_LIMIT);
  });

  test.each([
    ["X", NO_HTTP],
    ["\r\n", NO_HTTP],
    ["HTTP/2", NO_HTTP],
    ["HTTP/1.1 101 OK\n", BROKEN],
    ["HTTP/1.1 101 OK\nUpgrade: websocket\n\n", BROKEN],
    ["HTTP/1.1 101 OK\r\rX", BROKEN],
  ])("that will never be one is not waited for: %j", (start, refused) => {
    expect(parse(start)).toEqual(refused);
  });
});

describe("a head in pieces", () => {
  /** What is said of the stream, and after which byte, when it comes in pieces of this length. */
  function inPieces(stream: Buffer, size: number) {
    for (let seen = 0; seen < stream.length; seen += size) {
      const head = parseAnswerHead(stream.subarray(0, seen + size), seen);
      if (head !== undefined) return head;
    }
    return undefined;
  }

  it("is the same as in one", () => {
    const whole = Buffer.from(`${switching("X-A: 1", "X-A: 2")}frames\n\r`, "latin1");
    const once = parseAnswerHead(whole, 0);
    expect(once).toMatchObject({ ok: true });
    for (let size = 1; size <= whole.length; size += 1) expect(inPieces(whole, size)).toEqual(once);
  });

  it("with a broken line end is refused at the latest when the next byte is there", () => {
    for (const broken of ["HTTP/1.1 101 OK\nX", "HTTP/1.1 101 OK\rX", "HTTP/1.1 101 OK\r\nX: 1\nY"]) {
      expect(inPieces(Buffer.from(broken), 1)).toEqual(BROKEN);
    }
  });

  it("of any bytes never throws, and is refused byte by byte exactly if it is refused whole", () => {
    const piece = fc.constantFrom(
      "HTTP/1.1 ",
      "101",
      " OK",
      "\r\n",
      "\r",
      "\n",
      "X-A",
      ":",
      " ",
      "\0",
      "\xe4",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const stream = Buffer.from(`HTTP/1.1 ${pieces.join("")}`, "latin1");
        const whole = parseAnswerHead(stream, 0);
        const bytewise = inPieces(stream, 1);
        expect(bytewise?.ok === true ? bytewise : undefined).toEqual(whole?.ok === true ? whole : undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});
