// Attacks by a gateway over plain HTTP: answers that split, that speak in the door's name, that belong to the next
// person, or that come before they are asked for (rows S14, S99 to S101, S103, S104, S118; fault case 28).
import type { Socket } from "node:net";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { userIdOf } from "../../core/ids.ts";
import { securityHeaders } from "../../proxy/pages/security-headers.ts";
import {
  ALICE,
  BOB,
  type FrontDoorFixture,
  ISSUER,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import { handshake, head, type RawAnswer, rawConversation, rawExchange } from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let alice: string;
let bob: string;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({ gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } } });
});
beforeEach(async () => {
  [alice, bob] = [await door.signIn(ALICE), await door.signIn(BOB)];
});
afterEach(() => gateway.answerWith(undefined));
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const asking = (cookie: string, method = "GET", ...lines: readonly string[]) =>
  head(
    `${method} /agents/assistant/x HTTP/1.1`,
    `Host: ${door.host}`,
    `Origin: ${door.publicUrl}`,
    `Cookie: ${cookie}`,
    ...lines,
  );
const hasHead = (text: string) => text.includes("\r\n\r\n");

/** The next answer is these bytes, and the connection stays open. Resolves when the door has closed it. */
function answerAndStay(bytes: string): Promise<void> {
  return new Promise((resolve) => {
    gateway.answerWith((_request, socket) => {
      socket.once("close", () => resolve());
      return Buffer.from(bytes, "latin1");
    });
  });
}

/** What the door itself says to every answer that it forwards. */
const OURS = [
  ["cache-control", "no-store"],
  ["content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"],
  ["x-content-type-options", "nosniff"],
  ["x-request-id", "<id>"],
] as const;

/** Headers of an answer, in order, without Node's own about the connection; what differs each time is checked here. */
function headersOf(answer: RawAnswer): (readonly [string, string])[] {
  return [...answer.headers]
    .filter(([name]) => !["connection", "keep-alive", "date", "transfer-encoding"].includes(name))
    .map(([name, value]) => [
      name,
      name === "x-request-id" && /^r_[A-Za-z0-9_-]{22}$/.test(value) ? "<id>" : value,
    ]);
}

/** Bob asks behind Alice: he gets his own answer, and the gateway sees his request once, as his. */
async function expectOwnAnswerForBob(): Promise<void> {
  gateway.answerWith(undefined);
  const before = gateway.requests.length;
  const answer = await rawExchange(door.port, asking(bob));
  expect([answer.status, answer.body]).toEqual([200, '{"ok":true}']);
  const ids = gateway.requests
    .slice(before)
    .map(({ headers }) => headers.find(([name]) => name === "x-user-id")?.[1]);
  expect(ids).toEqual([userIdOf(ISSUER, BOB.subject)]);
}

describe("an answer that is none", () => {
  it.each([
    ["no HTTP", "hello\r\n\r\n"],
    ["HTTP/0.9", "<html>hello</html>\r\n\r\n"],
    ["S99: a line that ends in LF alone", "HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\r\n\r\nok"],
    ["S99: a head of LF alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
    ["S99: a blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"],
    [
      "S99: a CR in a value",
      "HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: gatehouse=x\r\nContent-Length: 2\r\n\r\nok",
    ],
    ["S99: a CR in the reason", "HTTP/1.1 200 OK\rSet-Cookie: gatehouse=x\r\nContent-Length: 2\r\n\r\nok"],
    ["S14: a NUL in a value", "HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\nok"],
    ["a control character in a value", "HTTP/1.1 200 OK\r\nX-A: b\x01c\r\nContent-Length: 2\r\n\r\nok"],
    ["a DEL in a value", "HTTP/1.1 200 OK\r\nX-A: b\x7fc\r\nContent-Length: 2\r\n\r\nok"],
    ["a name beyond ASCII", "HTTP/1.1 200 OK\r\nS\xe9t-Cookie: b\r\nContent-Length: 2\r\n\r\nok"],
    ["an empty name", "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok"],
    ["S103: two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    ["S103: one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"],
    ["a length in hex", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok"],
    [
      "length and chunked",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    [
      "chunked and length",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    ],
    [
      "S106: 101 to no upgrade",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
    ["S108: 101 to h2c", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"],
    ["headers past 16 KiB", `HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(5_000)}\r\n`],
  ])("of %s is 502, and its connection is given up", async (_name, bytes) => {
    const gaveUp = answerAndStay(bytes);
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([502, "gateway_answer_invalid"]);
    expect(headersOf(answer)).toEqual([
      ...Object.entries(securityHeaders(door.publicUrl)),
      ["cache-control", "no-store"],
      ["x-request-id", "<id>"],
      ["retry-after", "5"],
      ["content-type", "application/json; charset=utf-8"],
    ]);
    await gaveUp;
    await expectOwnAnswerForBob();
  });

  it.each([
    ["folded", "HTTP/1.1 200 OK\r\nX-A: b\r\n Set-Cookie: gatehouse=x\r\nContent-Length: 2\r\n\r\nok"],
    [
      "in UTF-8 that a careless writer cuts to CR LF",
      "HTTP/1.1 200 OK\r\nX-A: \xe5\x98\x8d\xe5\x98\x8aSet-Cookie: gatehouse=x\r\nContent-Length: 2\r\n\r\nok",
    ],
    ["in Latin-1", "HTTP/1.1 200 OK\r\nX-A: Zo\xeb\r\nContent-Length: 2\r\n\r\nok"],
    [
      "with a reason in UTF-8",
      "HTTP/1.1 200 \xe5\x98\x8d\xe5\x98\x8aX-A: b\r\nX-A: c\r\nContent-Length: 2\r\n\r\nok",
    ],
    ["with a NUL in the reason", "HTTP/1.1 200 O\0K\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok"],
  ])("a value %s is 502 or one value", async (_name, bytes) => {
    gateway.answerWith(() => Buffer.from(bytes, "latin1"));
    const answer = await rawExchange(door.port, asking(alice));
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    if (answer.status === 502) return;
    expect([answer.text.split("\r\n", 1), answer.body, headersOf(answer).map(([name]) => name)]).toEqual([
      ["HTTP/1.1 200 OK"],
      "ok",
      ["x-a", "content-length", ...OURS.map(([name]) => name)],
    ]);
  });
});

describe("an answer that is cut off", () => {
  /** Says this and ends the connection. */
  function answerAndHangUp(bytes: string): void {
    gateway.answerWith((_request, socket) => {
      setImmediate(() => socket.end());
      return bytes;
    });
  }

  it.each([
    ["nothing", ""],
    ["half a status line", "HTTP/1.1 20"],
    ["a head without an end", "HTTP/1.1 200 OK\r\nX-A: b\r\n"],
    ["a status that is none", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"],
    ["hints and no answer", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"],
  ])("behind %s is 502", async (_name, bytes) => {
    answerAndHangUp(bytes);
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([502, "gateway_answer_invalid"]);
    await expectOwnAnswerForBob();
  });

  it.each([
    ["a length that is not reached", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"],
    ["chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"],
    ["a broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nzz\r\n"],
  ])("behind %s never looks complete to the client", async (_name, bytes) => {
    answerAndHangUp(bytes);
    const answer = await rawExchange(door.port, asking(alice), () => false);
    expect(answer.status).toBe(200);
    const length = answer.headers.get("content-length");
    const complete =
      length === undefined ? answer.text.endsWith("\r\n0\r\n\r\n") : answer.body.length >= Number(length);
    expect(complete).toBe(false);
  });
});

describe("words of a gateway that would act in the door's name", () => {
  const HOSTILE = [
    "SET-COOKIE: gatehouse=x",
    "sEt-CoOkIe: a=b",
    'Clear-Site-Data: "*"',
    "Strict-Transport-Security: max-age=0",
    "Public-Key-Pins: x",
    'Alt-Svc: h3=":443"',
    "Content-Security-Policy: default-src *",
    "Content-Security-Policy-Report-Only: default-src *",
    "X-Content-Type-Options: none",
    "X-Request-Id: r_forged",
    "X-Gateway-Assertion: a.b.c",
    "WWW-Authenticate: Basic realm=x",
    "Proxy-Authenticate: Basic realm=x",
    "Access-Control-Allow-Origin: *",
    "Access-Control-Allow-Credentials: true",
    "Service-Worker-Allowed: /",
    "Report-To: {}",
    "NEL: {}",
    "Reporting-Endpoints: a=b",
    "Accept-CH: Sec-CH-UA",
    "Set-Login: logged-in",
    'Secure-Session-Registration: (ES256); path="/x"',
    'Sec-Session-Registration: (ES256); path="/x"',
    "X-Accel-Redirect: /internal/x",
    "X-Accel-Expires: 3600",
    "X-Accel-Limit-Rate: 1",
    "X-Accel-Charset: utf-7",
    "X-Sendfile: /etc/passwd",
    "X-LIGHTTPD-send-file: /etc/passwd",
    "Upgrade: h2c",
    "Keep-Alive: timeout=1",
    "Trailer: X-A",
    "Proxy-Connection: keep-alive",
  ];

  it.each([
    "200 OK",
    "201 Created",
    "206 Partial Content",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "407 Proxy Authentication Required",
    "500 Internal Server Error",
    "503 Service Unavailable",
    "599 Whatever",
  ])("are not in an answer of %s", async (status) => {
    const lines = [`HTTP/1.1 ${status}`, ...HOSTILE, "Content-Type: text/html", "Content-Length: 2"];
    gateway.answerWith(() => `${head(...lines)}ok`);
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, answer.body]).toEqual([Number(status.slice(0, 3)), "ok"]);
    expect(headersOf(answer)).toEqual([["content-type", "text/html"], ["content-length", "2"], ...OURS]);
  });

  it.each([
    ["204 to GET", "GET", "204 No Content"],
    ["304 to GET", "GET", "304 Not Modified"],
    ["200 to HEAD", "HEAD", "200 OK"],
    ["200 to OPTIONS", "OPTIONS", "200 OK"],
  ])("are not in an answer without a body: %s", async (_name, method, status) => {
    gateway.answerWith(() =>
      head(`HTTP/1.1 ${status}`, ...HOSTILE, "X-Kept: 1", ...(method === "GET" ? [] : ["Content-Length: 0"])),
    );
    const answer = await rawExchange(door.port, asking(alice, method), hasHead);
    expect(answer.status).toBe(Number(status.slice(0, 3)));
    expect(headersOf(answer).filter(([name]) => name !== "content-length")).toEqual([
      ["x-kept", "1"],
      ...OURS,
    ]);
  });

  it("S9: named in Connection, the door's own headers stay, and the gateway's go", async () => {
    gateway.answerWith(
      () =>
        `${head(
          "HTTP/1.1 200 OK",
          "Connection: X-Request-Id, content-security-policy, X-Content-Type-Options",
          "Connection: cache-control, x-hop , close, date",
          "X-Hop: 1",
          "X-Kept: 1",
          "Cache-Control: public, max-age=31536000",
          "Content-Length: 2",
        )}ok`,
    );
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, answer.body, answer.headers.has("date")]).toEqual([200, "ok", true]);
    expect(headersOf(answer)).toEqual([["x-kept", "1"], ["content-length", "2"], ...OURS]);
  });

  it("named in Connection, a length takes no part of the answer with it", async () => {
    gateway.answerWith(
      () => `${head("HTTP/1.1 200 OK", "Connection: content-length", "Content-Length: 2")}ok`,
    );
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, answer.body]).toEqual([200, "ok"]);
  });

  it.each([
    ...HOSTILE,
    "Content-Length: 5",
    "Transfer-Encoding: identity",
    "Content-Type: text/html",
    "Cache-Control: public",
    "Location: /",
    "Host: x",
  ])("are not in a trailer, whether it is asked for or not: %s", async (trailer) => {
    gateway.answerWith(
      () => `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\n${trailer}\r\n\r\n`,
    );
    for (const te of [[], ["TE: trailers"], ["TE: trailers", "Connection: TE"]]) {
      const answer = await rawExchange(
        door.port,
        asking(alice, "GET", ...te, "Connection: close"),
        () => false,
      );
      // A trailer that is no trailer makes the whole of it none; without the last chunk it is cut short.
      if (answer.status === 502) continue;
      expect([answer.status, answer.text.slice(answer.text.indexOf("\r\n\r\n") + 4)]).toEqual([
        200,
        expect.stringMatching(/^2\r\nok\r\n(0\r\n\r\n)?$/),
      ]);
    }
  });

  it("S100: chunk extensions of any length are gone", async () => {
    for (const extension of [";a=b", ';a="b; c"', `;a=${"b".repeat(10_000)}`]) {
      gateway.answerWith(
        () =>
          `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2${extension}\r\nok\r\n0${extension}\r\n\r\n`,
      );
      const answer = await rawExchange(door.port, asking(alice));
      expect(answer.text.slice(answer.text.indexOf("\r\n\r\n") + 4)).toBe("2\r\nok\r\n0\r\n\r\n");
    }
  });
});

describe("S104: bytes behind an answer", () => {
  const FOREIGN = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nFOREIGN";

  it.each<readonly [string, string, string]>([
    ["a second answer", "GET", `${head("HTTP/1.1 200 OK", "Content-Length: 2")}ok${FOREIGN}`],
    [
      "a second answer behind the last chunk",
      "GET",
      `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\n\r\n${FOREIGN}`,
    ],
    ["a body that 204 has not", "GET", `${head("HTTP/1.1 204 No Content")}${FOREIGN}`],
    [
      "a body that 204 announces",
      "GET",
      `${head("HTTP/1.1 204 No Content", `Content-Length: ${FOREIGN.length}`)}${FOREIGN}`,
    ],
    [
      "a body that 304 has not",
      "GET",
      `${head("HTTP/1.1 304 Not Modified", `Content-Length: ${FOREIGN.length}`)}${FOREIGN}`,
    ],
    ["a body to HEAD", "HEAD", `${head("HTTP/1.1 200 OK", `Content-Length: ${FOREIGN.length}`)}${FOREIGN}`],
    [
      "a chunked body to HEAD",
      "HEAD",
      `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\n\r\n${FOREIGN}`,
    ],
    [
      "an early hint for the next",
      "GET",
      `${head("HTTP/1.1 200 OK", "Content-Length: 2")}ok${head("HTTP/1.1 103 Early Hints", "Link: </x>")}`,
    ],
    [
      "half an answer",
      "GET",
      `${head("HTTP/1.1 200 OK", "Content-Length: 2")}okHTTP/1.1 200 OK\r\nContent-Le`,
    ],
    [
      "an upgrade",
      "GET",
      `${head("HTTP/1.1 200 OK", "Content-Length: 2")}ok${head("HTTP/1.1 101 X", "Upgrade: websocket", "Connection: Upgrade")}`,
    ],
    ["garbage", "GET", `${head("HTTP/1.1 200 OK", "Content-Length: 2")}ok\0\0\0\0`],
  ])("%s: nobody's answer, and the connection is given up", async (_name, method, bytes) => {
    const gaveUp = answerAndStay(bytes);
    const answer = await rawExchange(door.port, asking(alice, method), hasHead);
    expect(answer.text).not.toContain("FOREIGN");
    await expectOwnAnswerForBob();
    await gaveUp;
  });

  it("an answer while nobody has asked: nobody's either", async () => {
    await rawExchange(door.port, asking(alice));
    const pooled = [...gateway.sockets];
    const closed = pooled.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of pooled) socket.write(FOREIGN);
    await Promise.all(closed);
    await expectOwnAnswerForBob();
  });

  it("an answer longer than its length is cut to it", async () => {
    const conversation = await rawConversation(door.port);
    gateway.answerWith(() => `${head("HTTP/1.1 200 OK", "Content-Length: 2")}okay, and more`);
    const answer = await conversation.ask(asking(alice));
    expect(answer.body).toBe("ok");
    gateway.answerWith(undefined);
    const next = await conversation.ask(asking(alice));
    expect([next.status, next.body]).toEqual([200, '{"ok":true}']);
    conversation.close();
  });
});

describe("what passes as it is", () => {
  it("informational answers are swallowed, however many", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nSet-Cookie: gatehouse=x\r\n\r\n".repeat(50);
    gateway.answerWith(() => `${hints}${head("HTTP/1.1 200 OK", "Content-Length: 2")}ok`);
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, answer.body]).toEqual([200, "ok"]);
    expect(headersOf(answer)).toEqual([["content-length", "2"], ...OURS]);
  });

  it("S118: a body that is compressed a thousand times passes unread", async () => {
    const encodings = new Array(1_000).fill("gzip").join(", ");
    gateway.answerWith(
      () => `${head("HTTP/1.1 200 OK", `Content-Encoding: ${encodings}`, "Content-Length: 2")}ok`,
    );
    const answer = await rawExchange(door.port, asking(alice));
    expect([answer.status, answer.body, answer.headers.get("content-encoding")]).toEqual([
      200,
      "ok",
      encodings,
    ]);
  });
});

describe("an answer that comes before the request is whole", () => {
  const BODY = 400;
  /** A request inside a body: whoever loses count reads it as one. */
  const smuggled = () =>
    asking(bob)
      .replace("/x ", "/smuggled ")
      .padEnd(BODY - 4, "x");

  it("is the client's, and what is left of the body is neither a request nor part of one", async () => {
    gateway.answerEarlyWith(() => `${head("HTTP/1.1 200 OK", "Content-Length: 5")}early`);
    const conversation = await rawConversation(door.port);
    const before = gateway.requests.length;
    const answer = await conversation.ask(`${asking(alice, "POST", `Content-Length: ${BODY}`)}half`);
    expect([answer.status, answer.body]).toEqual([200, "early"]);
    await expectOwnAnswerForBob();
    conversation.socket.write(smuggled());
    await expectOwnAnswerForBob();
    conversation.close();
    expect(gateway.requests.slice(before).map(({ method, target }) => `${method} ${target}`)).toEqual([
      "POST /agents/assistant/x",
      "GET /agents/assistant/x",
      "GET /agents/assistant/x",
    ]);
  });

  it("by a gateway that hangs up is no reason to send the body to another connection", async () => {
    const seen: Socket[] = [];
    gateway.answerEarlyWith((_request, socket) => {
      seen.push(socket);
      setImmediate(() => socket.end());
      return `${head("HTTP/1.1 413 Too Large", "Content-Length: 2", "Connection: close")}no`;
    });
    const conversation = await rawConversation(door.port);
    const answer = await conversation.ask(`${asking(alice, "POST", `Content-Length: ${BODY}`)}half`);
    expect([answer.status, answer.body, seen.length]).toEqual([413, "no", 1]);
    conversation.close();
    await expectOwnAnswerForBob();
  });
});

describe("whatever a gateway writes", () => {
  const valid = [
    `${head("HTTP/1.1 200 OK", "Content-Type: text/plain", "Set-Cookie: gatehouse=x", "Content-Length: 5")}hello`,
    `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: X-A")}5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n`,
    `${head("HTTP/1.1 103 Early Hints", "Link: </x>")}${head("HTTP/1.1 304 Not Modified", 'ETag: "a"')}`,
    head(
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ),
  ];
  const piece = fc.constantFrom(
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\0",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "0",
    "-1",
    "ffffffff",
    "\xff",
    "\x7f",
    "HTTP/1.1 ",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Upgrade: websocket\r\n",
  );
  const change = fc.record({ at: fc.nat(400), drop: fc.nat(6), put: piece });
  const answer = fc
    .record({
      from: fc.constantFrom(...valid),
      changes: fc.array(change, { maxLength: 4 }),
      cuts: fc.array(fc.nat(400), { maxLength: 3 }),
    })
    .map(({ from, changes, cuts }) => {
      const text = changes.reduce((before, { at, drop, put }) => {
        const place = at % (before.length + 1);
        return before.slice(0, place) + put + before.slice(place + drop);
      }, from);
      const places = [
        0,
        ...cuts.map((cut) => cut % (text.length + 1)).sort((one, other) => one - other),
        text.length,
      ];
      return places.slice(1).map((end, index) => Buffer.from(text.slice(places[index], end), "latin1"));
    });

  it("the client gets one answer or none, nothing in it acts for the door, and the next person's is their own", async () => {
    const asks = fc.constantFrom(
      () => asking(alice, "GET", "Connection: close"),
      () => asking(alice, "HEAD", "Connection: close"),
      () => `${asking(alice, "POST", "Connection: close", "Content-Length: 2")}hi`,
      () =>
        head(
          ...handshake("/agents/assistant/ws", door.host, `Origin: ${door.publicUrl}`, `Cookie: ${alice}`),
        ),
    );
    await fc.assert(
      fc.asyncProperty(answer, asks, async (pieces, ask) => {
        gateway.answerWith((_request, socket) => {
          const rest = [...pieces];
          const next = () => {
            const bytes = rest.shift();
            if (bytes === undefined) return void socket.end();
            socket.write(bytes);
            setImmediate(next);
          };
          setImmediate(next);
          return "";
        });
        const got = await rawExchange(door.port, ask(), () => false);
        const heads = got.text.slice(0, got.text.indexOf("\r\n\r\n"));
        expect(heads).toMatch(/^HTTP\/1\.1 \d{3} /);
        expect(heads).not.toMatch(/^set-cookie|\0|[^\r]\n|\r[^\n]/im);
        expect(heads.match(/x-request-id: /gi)).toHaveLength(1);
        await expectOwnAnswerForBob();
      }),
      { numRuns: 200 },
    );
  });
});
