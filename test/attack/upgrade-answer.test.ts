// Attacks by a gateway on the upgrade: answers that two parsers could read differently, that come in pieces, that
// carry words for the client's browser, or that make a tunnel of what is none (rows S14, S99, S106, S107, S118;
// checklist 17).
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ALICE, BOB, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import {
  handshake,
  head,
  type RawAnswer,
  rawConnect,
  rawConversation,
  rawExchange,
  untilClosed,
} from "../support/raw-client.ts";
import {
  type RecordedRequest,
  type RecorderGateway,
  startRecorder,
  switching,
} from "../support/recorder-gateway.ts";

const PATH = "/agents/assistant/ws";
const OFFERED = [
  "Sec-WebSocket-Protocol: chat, v4",
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
];
/** Of the handshake that the tests send. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** A text frame, unmasked as a gateway sends it, that says `hi`. */
const FRAME = Buffer.from([0x81, 0x02, 0x68, 0x69]);

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

const upgradeAs = (cookie: string, ...lines: string[]) =>
  head(...handshake(PATH, door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`, ...lines));
const getAs = (cookie: string) =>
  head("GET /agents/assistant/x HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);

type Answer = (request: RecordedRequest) => string;
const withLines =
  (...lines: readonly string[]): Answer =>
  (request) =>
    switching(request).replace("\r\n\r\n", `\r\n${lines.join("\r\n")}\r\n\r\n`);
const replaced =
  (from: string | RegExp, to: string): Answer =>
  (request) =>
    switching(request).replace(from, to);

/** What the door says when a gateway's answer is none: these headers and no others, whatever the gateway sent. */
function expectRefusal(answer: RawAnswer, status: 502 | 503): void {
  expect([answer.status, answer.text.match(/HTTP\/1\.1 /g)]).toEqual([status, ["HTTP/1.1 "]]);
  expect([...answer.headers]).toEqual([
    ["cache-control", "no-store"],
    ["x-request-id", expect.stringMatching(/^r_[A-Za-z0-9_-]{22}$/)],
    ["retry-after", "5"],
    ["content-type", "application/json; charset=utf-8"],
    ["content-length", String(answer.body.length)],
    ["connection", "close"],
  ]);
  const code = status === 502 ? "gateway_answer_invalid" : "gateway_unavailable";
  expect(JSON.parse(answer.body).error.code).toBe(code);
}

/**
 * Upgrades while the gateway answers so, and leaves its connection open. The client goes on talking as if there were
 * a tunnel: none of that may reach the gateway, and the door must give up the connection to it.
 */
async function expectNoTunnel(answer: Answer, status: 502 | 503 = 502): Promise<void> {
  const before = gateway.received().length;
  let gaveUp: Promise<unknown> = Promise.resolve();
  gateway.answerWith((request, socket) => {
    gaveUp = new Promise((resolve) => socket.once("close", resolve));
    return Buffer.from(answer(request), "latin1");
  });
  const conversation = await rawConversation(door.port);
  let spoken = false;
  const refused = await conversation.ask(upgradeAs(alice, ...OFFERED), (text) => {
    if (!spoken && text !== "") conversation.socket.write("GET /internal HTTP/1.1\r\nHost: gateway\r\n\r\n");
    spoken = text !== "";
    return text.startsWith("HTTP/1.1 101");
  });
  conversation.close();
  expectRefusal(refused, status);
  await gaveUp;
  expect(gateway.received().subarray(before).toString("latin1")).toBe("");
}

describe("an answer to an upgrade that two parsers could read differently", () => {
  it.each<readonly [string, Answer]>([
    ["S99: lines that end in LF", (request) => switching(request).replaceAll("\r\n", "\n")],
    ["S99: one line that ends in LF", replaced("Upgrade: websocket\r\n", "Upgrade: websocket\n")],
    ["S99: one line that ends in CR", replaced("Upgrade: websocket\r\n", "Upgrade: websocket\r")],
    ["S99: a head that ends in LF LF", replaced("\r\n\r\n", "\n\n")],
    ["S99: a head that ends in CR", replaced("\r\n\r\n", "\r\n\rX")],
    ["S99: a folded accept", replaced("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept:\r\n ")],
    ["S99: a folded line", withLines("X-A: b", " c")],
    ["S99: a first line that is folded", replaced("\r\nUpgrade", "\r\n Upgrade")],
    ["S99: a blank before the colon", replaced("Sec-WebSocket-Accept:", "Sec-WebSocket-Accept :")],
    ["S14: a NUL in a value", withLines("X-A: b\0c")],
    ["S14: a NUL in a name", withLines("X\0A: b")],
    ["a CR in a value", withLines("X-A: b\rSet-Cookie: gatehouse=x")],
    ["a CR in the reason", replaced("Switching Protocols", "Switching\rSet-Cookie: gatehouse=x")],
    ["a control character in a value", withLines("X-A: b\x01c")],
    ["a line without a colon", withLines("Sec-WebSocket-Protocol")],
    ["an empty name", withLines(": b")],
    ["a name with a blank", withLines("X A: b")],
    ["HTTP/1.2", replaced("HTTP/1.1", "HTTP/1.2")],
    ["another protocol", replaced("HTTP/1.1", "ICY/1.1")],
    ["no protocol", replaced("HTTP/1.1 ", "")],
    ["four digits", replaced("101", "1010")],
    ["a signed status", replaced("101", "+101")],
    ["a status that runs into the reason", replaced("101 S", "101S")],
  ])("%s: is no tunnel", (_name, answer) => expectNoTunnel(answer));
});

describe("an answer to an upgrade that says less or more than it must", () => {
  it.each<readonly [string, Answer]>([
    [
      "the same accept twice",
      (r) => withLines(/Sec-WebSocket-Accept: [^\r]*/.exec(switching(r))?.[0] ?? "")(r),
    ],
    ["an accept with something behind it", replaced(/(Accept: [^\r]*)/, "$1, x")],
    [
      "an accept in another case",
      (r) => switching(r).replace(/Accept: [^\r]*/, (line) => line.toUpperCase()),
    ],
    ["the accept of another key", replaced(/Accept: [^\r]*/, "Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=")],
    ["an empty accept", replaced(/Accept: [^\r]*/, "Accept:")],
    ["two Upgrade lines", withLines("Upgrade: h2c")],
    ["two protocols in Upgrade", replaced("Upgrade: websocket", "Upgrade: websocket, h2c")],
    ["an empty Upgrade", replaced("Upgrade: websocket", "Upgrade:")],
    ["a Connection without upgrade", replaced("Connection: Upgrade", "Connection: keep-alive")],
    ["an empty subprotocol", withLines("Sec-WebSocket-Protocol:")],
    ["a subprotocol in another case", withLines("Sec-WebSocket-Protocol: V4")],
    [
      "both subprotocols, in two lines",
      withLines("Sec-WebSocket-Protocol: v4", "Sec-WebSocket-Protocol: chat"),
    ],
    [
      "an extension nobody offered, in a second line",
      withLines("Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: x-tap"),
    ],
    ["a status that is none", replaced("101", "000")],
  ])("%s: is no tunnel", (_name, answer) => expectNoTunnel(answer));

  it.each([
    ["S106: 200 with everything a tunnel has", replaced("101 Switching Protocols", "200 OK")],
    [
      "S106: 200 with a body that looks like a tunnel",
      (r: RecordedRequest) =>
        `HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 500\r\n\r\n${switching(r)}`,
    ],
    [
      "S107: 426 and then 101",
      (r: RecordedRequest) => `HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n${switching(r)}`,
    ],
    ["S106: 101 behind an answer", (r: RecordedRequest) => `HTTP/1.1 204 No Content\r\n\r\n${switching(r)}`],
  ] as const)("%s: is no tunnel", (_name, answer) => expectNoTunnel(answer));

  it("a head without an end, in pieces, is given up at its limit", async () => {
    const piece = `X-${"a".repeat(1_000)}: b\r\n`;
    let written = 0;
    gateway.answerWith((request, socket) => {
      const more = () => {
        if (socket.destroyed) return;
        written += 1;
        socket.write(piece);
        setImmediate(more);
      };
      setImmediate(more);
      return switching(request).slice(0, -2);
    });
    const answer = await rawExchange(door.port, upgradeAs(alice), () => false);
    expectRefusal(answer, 502);
    // The door's 16 KiB, and what may be on its way.
    expect(written).toBeLessThan(5_000);
  });
});

describe("an answer to an upgrade that a lenient reader could take", () => {
  it.each<readonly [string, Answer]>([
    ["HTTP/2.0", replaced("HTTP/1.1", "HTTP/2.0")],
    ["HTTP/1.0", replaced("HTTP/1.1", "HTTP/1.0")],
    ["a length", withLines(`Content-Length: ${FRAME.length}`)],
    ["a length of 0", withLines("Content-Length: 0")],
    ["a chunked coding", withLines("Transfer-Encoding: chunked")],
    ["length and chunked coding", withLines("Content-Length: 1", "Transfer-Encoding: chunked")],
    ["100 before it", (request) => `HTTP/1.1 100 Continue\r\n\r\n${switching(request)}`],
    [
      "103 before it",
      (request) => `HTTP/1.1 103 Early Hints\r\nSet-Cookie: gatehouse=x\r\n\r\n${switching(request)}`,
    ],
    ["another 101 before it", (request) => `HTTP/1.1 101 Other\r\n\r\n${switching(request)}`],
    ["an empty line before it", (request) => `\r\n${switching(request)}`],
  ])("with %s is no tunnel, for another could read it otherwise", (_name, answer) => expectNoTunnel(answer));
});

describe("a gateway's refusal of an upgrade", () => {
  const hostile = (status: string) => () =>
    `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nSet-Cookie: gatehouse=x\r\nClear-Site-Data: "*"\r\nStrict-Transport-Security: max-age=0\r\nLocation: https://evil.example/\r\nRetry-After: 0\r\nWWW-Authenticate: Basic realm="x"\r\nX-Request-Id: r_forged\r\nX-Gateway-Assertion: a.b.c\r\nAlt-Svc: clear\r\nConnection: content-length, x-request-id\r\nContent-Length: 9\r\n\r\n<script/>`;

  it.each<readonly [string, 502 | 503]>([
    ["302 Found", 502],
    ["401 Unauthorized", 502],
    ["407 Proxy Authentication Required", 502],
    ["426 Upgrade Required", 502],
    ["500 Oops\x01", 502],
    ["503 Busy", 503],
  ])("of %s reaches the client in the door's words alone", (status, expected) =>
    expectNoTunnel(hostile(status), expected),
  );

  it("S24: nobody but the door has seen the cookie", async () => {
    const before = gateway.requests.length;
    await expectNoTunnel(() => "not http at all\r\n\r\n");
    const seen = gateway.requests.slice(before);
    expect([seen.length, JSON.stringify(seen).includes(alice.slice("gatehouse=".length))]).toEqual([
      1,
      false,
    ]);
  });
});

describe("a correct answer to an upgrade", () => {
  const ACCEPTED = /^HTTP\/1\.1 101 [\s\S]*?\r\n\r\n/;

  /** Writes these pieces one by one, each when the one before has been read. */
  function inPieces(pieces: readonly Buffer[]): void {
    gateway.answerWith((_request, socket) => {
      const [first = Buffer.alloc(0), ...rest] = pieces;
      const next = () => {
        const piece = rest.shift();
        if (piece === undefined) return;
        socket.write(piece);
        setImmediate(next);
      };
      setImmediate(next);
      return first;
    });
  }

  const whole = Buffer.concat([
    Buffer.from(switching({ method: "GET", target: PATH, headers: [["sec-websocket-key", KEY]] }), "latin1"),
    FRAME,
    FRAME,
  ]);

  async function framesBehind101(): Promise<string> {
    const conversation = await rawConversation(door.port);
    const answer = await conversation.ask(upgradeAs(alice), (text) => {
      const behind = text.replace(ACCEPTED, "");
      return behind !== text && behind.length >= 2 * FRAME.length;
    });
    conversation.close();
    return answer.text.replace(ACCEPTED, "");
  }

  it("opens the tunnel in whatever two pieces it comes, and every frame behind it arrives once", async () => {
    for (let cut = 1; cut < whole.length; cut += 1) {
      inPieces([whole.subarray(0, cut), whole.subarray(cut)]);
      expect([cut, await framesBehind101()]).toEqual([cut, Buffer.concat([FRAME, FRAME]).toString("latin1")]);
    }
  });

  it("opens it byte by byte too", async () => {
    inPieces([...whole].map((byte) => Buffer.from([byte])));
    expect(await framesBehind101()).toBe(Buffer.concat([FRAME, FRAME]).toString("latin1"));
  });

  it("says nothing to the client but what was agreed on, whatever else is in it", async () => {
    gateway.answerWith((request) =>
      Buffer.from(
        withLines(
          "Sec-WebSocket-Protocol: v4",
          'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="99"; x="\xe5\x98\x8a\xe5\x98\x8dSet-Cookie: a=b"',
          "Set-Cookie: gatehouse=x",
          'Clear-Site-Data: "*"',
          "Strict-Transport-Security: max-age=0",
          "X-Request-Id: r_forged",
          "Keep-Alive: timeout=1",
        )(request),
        "latin1",
      ),
    );
    const answer = await rawExchange(door.port, upgradeAs(alice, ...OFFERED));
    expect([...answer.headers.keys()]).toEqual([
      "upgrade",
      "connection",
      "sec-websocket-accept",
      "x-request-id",
      "sec-websocket-protocol",
      "sec-websocket-extensions",
    ]);
    expect([answer.headers.get("connection"), answer.headers.get("sec-websocket-protocol")]).toEqual([
      "Upgrade",
      "v4",
    ]);
    expect(answer.headers.get("x-request-id")).toMatch(/^r_[A-Za-z0-9_-]{22}$/);
  });

  it("S118: leaves a client alone with window bits that nobody can have, and the door as it was", async () => {
    gateway.answerWith(withLines("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"));
    expect((await rawExchange(door.port, upgradeAs(alice, ...OFFERED))).status).toBe(101);
    gateway.answerWith(undefined);
    expect((await rawExchange(door.port, upgradeAs(alice))).status).toBe(101);
  });
});

describe("what a client sends around its upgrade", () => {
  it("S107: a request inside the tunnel is bytes for the gateway, and nobody decides on it", async () => {
    const conversation = await rawConversation(door.port);
    expect((await conversation.ask(upgradeAs(alice))).status).toBe(101);
    const [requests, bytes] = [gateway.requests.length, gateway.received().length];
    const smuggled = getAs(bob);
    const arrived = new Promise<void>((resolve) => {
      for (const socket of gateway.sockets) {
        socket.on("data", () => {
          if (gateway.received().length - bytes >= smuggled.length) resolve();
        });
      }
    });
    conversation.socket.write(smuggled);
    await arrived;
    expect([gateway.received().subarray(bytes).toString("latin1"), gateway.requests.length]).toEqual([
      smuggled,
      requests,
    ]);
    conversation.close();
  });

  it("S109: what it sends while the gateway is being asked is not forwarded when the gateway refuses", async () => {
    const before = gateway.received().length;
    const socket = await rawConnect(door.port, "");
    gateway.answerWith((_request, upstream) => {
      socket.write(getAs(bob));
      setImmediate(() => upstream.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
      return "";
    });
    const answered = untilClosed(socket);
    const requests = gateway.requests.length;
    socket.write(upgradeAs(alice));
    expect((await answered).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 502"]);
    expect([gateway.requests.length - requests, gateway.received().length]).toEqual([1, before]);
  });

  it("an upgrade behind somebody else's request on the same connection is decided for who it says", async () => {
    const conversation = await rawConversation(door.port);
    const before = gateway.requests.length;
    expect((await conversation.ask(getAs(bob))).status).toBe(200);
    expect((await conversation.ask(upgradeAs(alice))).status).toBe(101);
    const emails = gateway.requests
      .slice(before)
      .map(({ headers }) => headers.filter(([name]) => name === "x-user-email").map(([, value]) => value));
    expect(emails).toEqual([["bob@example.com"], ["alice@example.com"]]);
    conversation.close();
  });

  it("an upgrade without a credential behind somebody's request is nobody's", async () => {
    const conversation = await rawConversation(door.port);
    expect((await conversation.ask(getAs(alice))).status).toBe(200);
    const before = gateway.requests.length;
    const answer = await conversation.ask(head(...handshake(PATH, door.host, `Origin: ${door.publicUrl}`)));
    expect([answer.status, gateway.requests.length - before]).toEqual([401, 0]);
    conversation.close();
  });
});
