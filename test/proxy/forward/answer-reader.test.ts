import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { AnswerReader } from "../../../proxy/forward/answer-reader.ts";

type Read = {
  /** `[status, fields]` of each head. */
  readonly heads: [number, readonly string[]][];
  readonly body: string;
  /** Undefined: not over. */
  readonly trailers: readonly string[] | undefined;
  readonly fault: string | undefined;
  readonly persists: boolean;
};

/** Reads the parts one after another, and then, if so, the end of the connection. */
function read(parts: readonly (string | Buffer)[], { method = "GET", closes = false } = {}): Read {
  const heads: [number, readonly string[]][] = [];
  const body: Buffer[] = [];
  let trailers: readonly string[] | undefined;
  const reader = new AnswerReader(method, {
    onHead: (status, fields) => void heads.push([status, fields]),
    onBody: (bytes) => void body.push(Buffer.from(bytes)),
    onEnd(fields) {
      expect(trailers).toBeUndefined();
      trailers = fields;
    },
  });
  let fault: string | undefined;
  for (const part of parts) fault ??= reader.push(Buffer.from(part as string, "latin1"));
  if (closes) fault ??= reader.close();
  return { heads, body: Buffer.concat(body).toString("latin1"), trailers, fault, persists: reader.persists };
}

const answer = (...lines: string[]) => `HTTP/1.1 ${lines.join("\r\n")}\r\n\r\n`;
const whole = (fields: string[], body: string, trailers: string[] = []) => ({
  heads: [[200, fields]],
  body,
  trailers,
  fault: undefined,
  persists: true,
});
const CHUNKED = answer("200 OK", "Transfer-Encoding: chunked");
const CHUNKED_FIELDS = ["transfer-encoding", "chunked"];

describe("an answer is whole", () => {
  it("when as much has come as its length says", () => {
    expect(read([`${answer("200 OK", "Content-Length: 5")}hello`])).toEqual(
      whole(["content-length", "5"], "hello"),
    );
  });

  it.each(["0", "000"])("behind the last chunk (%s) and its trailers", (last) => {
    const body = `5;name="value"\r\nhello\r\nA\r\n, somebody\r\n${last}\r\nX-Sum: 1\r\nx-sum:2\r\n\r\n`;
    expect(read([CHUNKED + body])).toEqual(
      whole(CHUNKED_FIELDS, "hello, somebody", ["x-sum", "1", "x-sum", "2"]),
    );
  });

  it("behind its head when that says a length of nothing", () => {
    expect(read([answer("200 OK", "Content-Length: 0")])).toEqual(whole(["content-length", "0"], ""));
  });

  it.each([
    ["HEAD", "200 OK", "Content-Length: 5"],
    ["HEAD", "200 OK", "Transfer-Encoding: chunked"],
    ["HEAD", "200 OK", "X-Length: none"],
    ["GET", "204 No Content", "X-Length: none"],
    ["GET", "304 Not Modified", "Content-Length: 5"],
  ])("behind its head, to %s, of %s with %s", (method, line, field) => {
    expect(read([answer(line, field)], { method })).toMatchObject({ body: "", trailers: [], persists: true });
  });

  it("when the connection ends, if it says nothing about its length: then no other follows on it", () => {
    const parts = [answer("200 OK"), "hel", "lo"];
    expect(read(parts)).toEqual({ ...whole([], "hello"), trailers: undefined, persists: false });
    expect(read(parts, { closes: true })).toEqual({ ...whole([], "hello"), persists: false });
  });

  it("behind informational ones, of which nobody hears", () => {
    const parts = [
      answer("100 Continue"),
      answer("103 Early Hints", "Link: x"),
      answer("200", "Content-Length: 0"),
    ];
    expect(read([parts.join("")])).toEqual(whole(["content-length", "0"], ""));
  });
});

describe("no other answer follows on the connection", () => {
  it.each(["close", "Close", "x, close", "close ,x"])("when it says so: %s", (value) => {
    const got = read([answer("200 OK", `Connection: ${value}`, "Content-Length: 0")]);
    expect([got.trailers, got.persists]).toEqual([[], false]);
  });

  it.each(["keep-alive", "closed", "x-close"])("is not what %s says", (value) => {
    expect(read([answer("200 OK", `Connection: ${value}`, "Content-Length: 0")]).persists).toBe(true);
  });

  it.each(["Content-Length: 5", "Transfer-Encoding: chunked"])(
    "when a 204 speaks of a body (%s): it may be on its way",
    (field) => {
      const got = read([answer("204 No Content", field)]);
      expect([got.trailers, got.fault, got.persists]).toEqual([[], undefined, false]);
    },
  );

  it("when more comes than was asked for, in the same part or in the next", () => {
    const said = `${answer("200 OK", "Content-Length: 2")}ok`;
    const late = { body: "ok", trailers: [], fault: "bytes behind an answer", persists: false };
    expect(read([`${said}x`])).toMatchObject(late);
    expect(read([said, "x"])).toMatchObject(late);
    expect(read([answer("204 No Content"), "hello"])).toMatchObject({ ...late, body: "" });
  });
});

describe("what could end in two places is no answer", () => {
  const TWO = "an answer with two lengths";
  const CHUNK = "a malformed chunk";
  test.each([
    [answer("200 OK", "Content-Length: 1", "Content-Length: 1"), TWO],
    [answer("200 OK", "Content-Length: 1", "Transfer-Encoding: chunked"), TWO],
    [answer("200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), TWO],
    [answer("200 OK", "Content-Length: 1, 1"), "a length that is none"],
    [answer("200 OK", "Content-Length: +1"), "a length that is none"],
    [answer("200 OK", "Content-Length: -1"), "a length that is none"],
    [answer("200 OK", "Content-Length: 0x1"), "a length that is none"],
    [answer("200 OK", "Content-Length: 010"), "a length that is none"],
    [answer("200 OK", "Content-Length: 1e3"), "a length that is none"],
    [answer("200 OK", "Content-Length: 9999999999999999"), "a length that is none"],
    [answer("200 OK", "Content-Length:"), "a length that is none"],
    [answer("200 OK", "Content-Length: 1\xa0"), "a length that is none"],
    [answer("200 OK", "Transfer-Encoding: \xa0chunked"), "a transfer coding other than chunked"],
    [answer("200 OK", "Transfer-Encoding: gzip, chunked"), "a transfer coding other than chunked"],
    [answer("200 OK", "Transfer-Encoding: identity"), "a transfer coding other than chunked"],
    [answer("200 OK", "Transfer-Encoding : chunked"), "a malformed line in the answer head"],
    [answer("200 OK", "X: 1", " Content-Length: 1"), "a malformed line in the answer head"],
    [answer("200 OK", "X: 1\nContent-Length: 1"), "a malformed line in the answer head"],
    [answer("200 OK", "X: 1\rContent-Length: 1"), "a malformed line in the answer head"],
    ["HTTP/1.0 200 OK\r\n\r\n", "an answer that is no HTTP/1.1"],
    ["HTTP/1.1 200 OK\n\n", "an answer head with broken line ends"],
    [answer("101 Switching Protocols", "Upgrade: websocket"), "status 101 to a request"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(16 * 1024)}`, "an answer head past its limit"],
    [answer("200 OK", ...new Array<string>(101).fill("X: 1")), "an answer head past its limit"],
    [`${CHUNKED}zz\r\n`, CHUNK],
    [`${CHUNKED}\r\n`, CHUNK],
    [`${CHUNKED}-1\r\n`, CHUNK],
    [`${CHUNKED}0x1\r\n`, CHUNK],
    [`${CHUNKED} 1\r\n`, CHUNK],
    [`${CHUNKED}1 x\r\n`, CHUNK],
    [`${CHUNKED}1\n`, undefined],
    [`${CHUNKED}1\nx\r\n`, CHUNK],
    [`${CHUNKED}1;a\0\r\n`, CHUNK],
    [`${CHUNKED}1;a\nb\r\n`, CHUNK],
    [`${CHUNKED}1000000000000\r\n`, undefined],
    [`${CHUNKED}1000000000000f\r\n`, CHUNK],
    [`${CHUNKED}1;${"x".repeat(17_000)}`, CHUNK],
    [`${CHUNKED}2\r\nabc`, CHUNK],
    [`${CHUNKED}2\r\nab\n\r`, CHUNK],
    [`${CHUNKED}0\r\nX\r\n\r\n`, "a malformed line in the answer head"],
    [`${CHUNKED}0\r\n X: 1\r\n\r\n`, "a malformed line in the answer head"],
    [`${CHUNKED}0\r\nX: ${"x".repeat(17 * 1024)}`, "trailers past their limit"],
  ])("%j: %s", (bytes, fault) => {
    const got = read([bytes]);
    expect([got.fault, got.trailers, got.persists]).toEqual([fault, undefined, false]);
  });

  test.each([
    ["", "the connection ended before an answer"],
    ["HTTP/1.1 200 OK\r\nX: 1\r\n", "the connection ended before an answer"],
    [answer("100 Continue"), "the connection ended before an answer"],
    [`${answer("200 OK", "Content-Length: 5")}hell`, "the connection ended within an answer"],
    [`${CHUNKED}5\r\nhell`, "the connection ended within an answer"],
    [`${CHUNKED}5\r\nhello\r\n`, "the connection ended within an answer"],
    [`${CHUNKED}0\r\n`, "the connection ended within an answer"],
    [`${CHUNKED}0\r\nX: 1\r\n`, "the connection ended within an answer"],
  ])("nor is what is not whole when the connection ends: %j", (bytes, fault) => {
    expect(read([bytes], { closes: true })).toMatchObject({ fault, trailers: undefined, persists: false });
  });
});

test("however the bytes are cut, the same is read", () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9 ]{0,12}$/);
  const chunks = fc.array(
    fc
      .string({ unit: "binary-ascii", minLength: 1, maxLength: 40 })
      .map((text) => `${text.length.toString(16)}\r\n${text}\r\n`),
    { maxLength: 5 },
  );
  const answers = fc.oneof(
    fc
      .tuple(word, fc.string({ unit: "binary-ascii", maxLength: 60 }))
      .map(([x, body]) => `${answer("200 OK", `X: ${x}`, `Content-Length: ${body.length}`)}${body}`),
    fc
      .tuple(chunks, fc.constantFrom("", "X-Sum: 1\r\n"))
      .map(([list, trailers]) => `${CHUNKED}${list.join("")}0\r\n${trailers}\r\n`),
    word.map((body) => `${answer("100 Continue")}${answer("200 OK")}${body}`),
    fc.constantFrom(
      `${CHUNKED}5\r\nhelloXX`,
      `${answer("200 OK", "Content-Length: 1")}xy`,
      answer("204 No Content"),
    ),
    fc.string({ unit: "binary-ascii", maxLength: 80 }).map((noise) => `HTTP/1.1 200 OK\r\n${noise}\r\n\r\n`),
  );
  fc.assert(
    fc.property(
      answers,
      fc.array(fc.nat({ max: 200 }), { maxLength: 8 }),
      fc.boolean(),
      (bytes, cuts, bytewise) => {
        const places = bytewise
          ? Array.from(bytes, (_, index) => index)
          : [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
        const parts = [0, ...places].map((from, index) => bytes.slice(from, places[index] ?? bytes.length));
        const atOnce = read([bytes], { closes: true });
        const cut = read(parts, { closes: true });
        // A head that can be told early to be none is: then the words may be those of another rule.
        const told = (got: Read) =>
          got.heads.length === 0 ? { ...got, fault: got.fault !== undefined } : got;
        expect(told(cut)).toEqual(told(atOnce));
      },
    ),
    { numRuns: 2_000 },
  );
});
