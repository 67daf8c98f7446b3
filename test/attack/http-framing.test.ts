// Attacks by the framing of requests: what one reader takes for a body and another for the next request, heads that
// never end, bodies that nobody reads (rows S99 to S103, S119, S121).
import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ALICE, BOB, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { handshake, head, rawConnect, rawExchange, untilClosed } from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

const HEADER_COUNT = 40;

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let cookie: string;
let sent: number;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
    config: { limits: { headerCount: HEADER_COUNT, headersTimeout: "1s", requestBodyBytes: 64 * 1024 } },
  });
  cookie = await door.signIn(ALICE);
});
beforeEach(() => {
  sent = gateway.requests.length;
});
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const newRequests = () => gateway.requests.slice(sent);
const lines = (method: string, ...more: string[]) => [
  `${method} /agents/coder/x HTTP/1.1`,
  `Host: ${door.host}`,
  `Origin: ${door.publicUrl}`,
  `Cookie: ${cookie}`,
  ...more,
];
const post = (...more: string[]) => head(...lines("POST", ...more));
const smuggled = () => head("GET /agents/coder/smuggled HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);

describe("requests that two readers could cut differently", () => {
  // Each is followed by a request that must never be seen as one.
  it.each<readonly [string, () => string]>([
    ["length and chunked", () => `${post("Content-Length: 4", "Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["chunked and length", () => `${post("Transfer-Encoding: chunked", "Content-Length: 4")}0\r\n\r\n`],
    ["two lengths", () => `${post("Content-Length: 4", "Content-Length: 5")}abcd`],
    ["S103: one length twice", () => `${post("Content-Length: 4", "Content-Length: 4")}abcd`],
    ["S103: one length in two spellings", () => `${post("Content-Length: 4", "content-length: 4")}abcd`],
    ["a list of lengths", () => `${post("Content-Length: 4, 4")}abcd`],
    ["a signed length", () => `${post("Content-Length: +4")}abcd`],
    ["a negative length", () => `${post("Content-Length: -4")}abcd`],
    ["a length in hex", () => `${post("Content-Length: 0x4")}abcd`],
    ["a length that is none", () => `${post("Content-Length: four")}abcd`],
    ["an empty length", () => `${post("Content-Length:")}abcd`],
    ["a length past every number", () => `${post("Content-Length: 99999999999999999999")}abcd`],
    ["S99: a blank before the colon", () => `${post("Content-Length : 4")}abcd`],
    ["S99: a tab before the colon", () => `${post("Transfer-Encoding\t: chunked")}0\r\n\r\n`],
    ["S99: chunked, but spelled oddly", () => `${post("Transfer-Encoding: xchunked")}0\r\n\r\n`],
    ["S99: chunked, then something", () => `${post("Transfer-Encoding: chunked, identity")}0\r\n\r\n`],
    ["S99: chunked after a vertical tab", () => `${post("Transfer-Encoding: \vchunked")}0\r\n\r\n`],
    [
      "S99: chunked twice",
      () => `${post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")}0\r\n\r\n`,
    ],
    [
      "S99: chunked after identity",
      () => `${post("Transfer-Encoding: identity, chunked", "Content-Length: 4")}0\r\n\r\n`,
    ],
    ["S99: a folded line", () => `${post("X-A: b", " Content-Length: 4")}abcd`],
    ["S99: a folded encoding", () => `${post("Transfer-Encoding:", " chunked")}0\r\n\r\n`],
    ["S99: a line that ends in LF", () => `${post().replace("\r\nCookie", "\nCookie")}`],
    ["S99: a line that ends in CR", () => `${post().replace("\r\nCookie", "\rCookie")}`],
    ["S99: a CR inside a value", () => `${post("X-A: b\rContent-Length: 4")}abcd`],
    ["S99: a head that ends in LF LF", () => `${post().replace("\r\n\r\n", "\n\n")}`],
    ["S99: a head that ends in CRLF CR", () => `${post().replace("\r\n\r\n", "\r\n\rX")}`],
    ["S14: a NUL in a value", () => `${post("X-A: b\0c")}`],
    ["S14: a NUL in a name", () => `${post("X-\0A: b")}`],
    ["a control character in a value", () => `${post("X-A: b\x01c")}`],
    ["a name with a blank", () => `${post("X A: b")}`],
    ["an empty name", () => `${post(": b")}`],
    ["a line without a colon", () => `${post("Content-Length")}`],
    ["a name beyond ASCII", () => `${post("Cöntent-Length: 4")}abcd`],
    ["no version", () => post().replace(" HTTP/1.1", "")],
    ["HTTP/1.2", () => post().replace("HTTP/1.1", "HTTP/1.2")],
    ["HTTP/2.0", () => post().replace("HTTP/1.1", "HTTP/2.0")],
    ["HTTP/11", () => post().replace("HTTP/1.1", "HTTP/11")],
    ["two blanks before the version", () => post().replace(" HTTP/1.1", "  HTTP/1.1 x")],
    ["S101: a chunk line that ends in LF", () => `${post("Transfer-Encoding: chunked")}2;\nab\r\n0\r\n\r\n`],
    [
      "S101: a chunk size line that ends in LF",
      () => `${post("Transfer-Encoding: chunked")}2\nab\r\n0\r\n\r\n`,
    ],
    ["a chunk size with a blank", () => `${post("Transfer-Encoding: chunked")} 2\r\nab\r\n0\r\n\r\n`],
    ["a chunk size in 0x", () => `${post("Transfer-Encoding: chunked")}0x2\r\nab\r\n0\r\n\r\n`],
    [
      "a chunk size past every number",
      () => `${post("Transfer-Encoding: chunked")}fffffffffffffffff\r\nab\r\n0\r\n\r\n`,
    ],
    ["a negative chunk size", () => `${post("Transfer-Encoding: chunked")}-2\r\nab\r\n0\r\n\r\n`],
    [
      "S100: 1 MiB of chunk extension",
      () => `${post("Transfer-Encoding: chunked")}2;${"a".repeat(1024 * 1024)}\r\nab\r\n0\r\n\r\n`,
    ],
    ["HTTP/2 without negotiation", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ])("%s: refused, the connection ends, and nothing behind is a request", async (_name, bytes) => {
    const answer = await rawExchange(
      door.port,
      Buffer.from(`${bytes()}${smuggled()}`, "latin1"),
      () => false,
    );
    expect([400, 413, 431]).toContain(answer.status);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    // A body may turn out malformed when its head is forwarded already; the next request never is.
    expect(newRequests().map(({ target }) => target)).not.toContain("/agents/coder/smuggled");
    const whole = newRequests().filter(({ target }) => target === "/agents/coder/x");
    expect(whole).toEqual([]);
  });

  it("a chunk longer than it says: what was begun at the gateway is never whole, and nothing behind is a request", async () => {
    const before = gateway.received().length;
    const begun = `${post("Transfer-Encoding: chunked")}1\r\nab\r\n0\r\n\r\n`;
    const answer = await rawExchange(door.port, begun + smuggled(), () => false);
    expect([answer.status, answer.text.match(/HTTP\/1\.1 \d/g)]).toEqual([400, ["HTTP/1.1 4"]]);
    await expect.poll(() => gateway.sockets.size).toBe(0);
    expect(newRequests().map(({ target }) => target)).not.toContain("/agents/coder/smuggled");
    expect(gateway.received()).toHaveLength(before);
  });

  it("S103: a length is passed on once, as the parser took it", async () => {
    await rawExchange(door.port, `${post("cOnTeNt-LeNgTh: 4")}abcd`);
    const [request] = newRequests();
    expect(request?.headers.filter(([name]) => /content-length|transfer-encoding/i.test(name))).toEqual([
      ["content-length", "4"],
    ]);
  });

  it("a chunked body is framed anew, without extensions and trailers", async () => {
    const before = gateway.received().length;
    const body = "2;a=b\r\nxy\r\n3\r\nzwv\r\n0\r\nX-User-Id: root\r\nX-Gateway-Assertion: root\r\n\r\n";
    const answer = await rawExchange(
      door.port,
      `${post("Transfer-Encoding: chunked", "Trailer: X-User-Id")}${body}`,
    );
    expect(answer.status).toBe(200);
    const [request] = newRequests();
    expect(
      request?.headers.map(([name]) => name).filter((name) => /trailer|transfer|length/.test(name)),
    ).toEqual(["transfer-encoding"]);
    expect(gateway.received().subarray(before).toString("latin1")).toBe("2\r\nxy\r\n3\r\nzwv\r\n0\r\n\r\n");
  });

  it("a GET with a body is forwarded as one message", async () => {
    const body = smuggled();
    const answer = await rawExchange(
      door.port,
      `${head(...lines("GET", `Content-Length: ${body.length}`))}${body}`,
    );
    expect([answer.status, newRequests().map(({ target }) => target)]).toEqual([200, ["/agents/coder/x"]]);
  });

  it("what is sent behind an unanswered request is not read: no request, no handshake, no garbage", async () => {
    const first = head("GET /agents/coder/first HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);
    const upgrade = handshake(
      "/agents/coder/ws",
      door.host,
      `Origin: ${door.publicUrl}`,
      `Cookie: ${cookie}`,
    );
    for (const behind of [smuggled(), head(...upgrade), head("CONNECT x:80 HTTP/1.1"), "garbage\r\n\r\n"]) {
      const answer = await rawExchange(door.port, `${first}${behind}`, () => false);
      expect((answer.text.match(/HTTP\/1\.1 \d+/g) ?? []).length).toBeLessThanOrEqual(1);
    }
    expect(newRequests().map(({ target }) => target)).not.toContain("/agents/coder/smuggled");
    expect(newRequests().map(({ target }) => target)).not.toContain("/agents/coder/ws");
  });

  it("one request after another on a connection is decided for who it says", async () => {
    const bob = await door.signIn(BOB);
    const one = head("GET /agents/coder/1 HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);
    const two = head("GET /agents/coder/2 HTTP/1.1", `Host: ${door.host}`, `Cookie: ${bob}`);
    const three = head("GET /agents/coder/3 HTTP/1.1", `Host: ${door.host}`);
    const waiting = [two, three];
    const socket = await rawConnect(door.port, one);
    socket.on("data", () => {
      const next = waiting.shift();
      if (next !== undefined) socket.write(next);
    });
    const text = await untilClosed(socket);
    // A refusal ends the connection.
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 403"]);
    const targets = newRequests().map(({ target }) => target);
    expect(targets.filter((target) => target !== "/agents/coder/first")).toEqual(["/agents/coder/1"]);
  });
});

describe("heads that are too large", () => {
  const many = (count: number, ...last: string[]) =>
    head(...lines("POST", ...Array.from({ length: count }, (_, index) => `X-A${index}: b`), ...last));

  it("S102: a length behind the last header that is counted is never believed or overlooked", async () => {
    const limits = [HEADER_COUNT - 3, HEADER_COUNT - 2, HEADER_COUNT, 200, 1_500, 2_500];
    for (const count of limits) {
      const answer = await rawExchange(
        door.port,
        `${many(count, "Content-Length: 5")}hello${smuggled()}`,
        () => false,
      );
      expect([count, answer.status]).toEqual([count, 431]);
    }
    expect(newRequests()).toEqual([]);
  });

  it("S102: at the limit exactly the length counts", async () => {
    const answer = await rawExchange(door.port, `${many(HEADER_COUNT - 4, "Content-Length: 5")}hello`);
    expect([answer.status, newRequests().length]).toEqual([200, 1]);
  });

  it.each([
    ["a value of 16 KiB", () => head(...lines("GET", `X-A: ${"b".repeat(16_384)}`))],
    ["a name of 16 KiB", () => head(...lines("GET", `${"b".repeat(16_384)}: a`))],
    ["a target of 16 KiB", () => head(`GET /${"a".repeat(16_384)} HTTP/1.1`, `Host: ${door.host}`)],
  ])("%s is 431", async (_name, bytes) => {
    expect((await rawExchange(door.port, bytes(), () => false)).status).toBe(431);
  });

  it("a target past 8 KiB is 400", async () => {
    const answer = await rawExchange(
      door.port,
      head(`GET /${"a".repeat(8_192)} HTTP/1.1`, `Host: ${door.host}`),
    );
    expect(answer.status).toBe(400);
  });
});

describe("bodies that are too large", () => {
  it("one that says so is 413 before the gateway hears of it", async () => {
    const answer = await rawExchange(door.port, post(`Content-Length: ${64 * 1024 + 1}`));
    expect([answer.status, newRequests()]).toEqual([413, []]);
  });

  it("one that does not say so is cut off at the limit", async () => {
    const chunk = `4000\r\n${"a".repeat(0x4000)}\r\n`;
    const answer = await rawExchange(
      door.port,
      `${post("Transfer-Encoding: chunked")}${chunk.repeat(5)}`,
      () => false,
    );
    expect([answer.status, newRequests().filter(({ target }) => target !== "/agents/coder/x")]).toEqual([
      413,
      [],
    ]);
  });
});

describe("bodies that the client asks leave to send", () => {
  const asking = (...more: string[]) => post("Expect: 100-continue", "Content-Length: 2", ...more);

  it("are invited from who may send them", async () => {
    const socket = await rawConnect(door.port, asking("Connection: close"));
    const text = untilClosed(socket);
    socket.once("data", () => socket.write("hi"));
    expect((await text).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"]);
    expect(newRequests()[0]?.headers.map(([name]) => name.toLowerCase())).not.toContain("expect");
  });

  it.each([
    ["of nobody", () => asking().replace(cookie, "gatehouse=none"), 401],
    [
      "of another site",
      () => asking().replace(`Origin: ${door.publicUrl}`, "Origin: https://evil.example"),
      403,
    ],
    ["for an agent that is not theirs", () => asking().replace("/coder/", "/analyst/"), 403],
    ["past the limit", () => asking().replace("Length: 2", `Length: ${64 * 1024 + 1}`), 413],
    ["twice", () => asking("Expect: 100-continue"), 417],
    ["at the portal", () => asking().replace("/agents/coder/x", "/nothing"), 404],
  ])("are not invited %s", async (_whose, bytes, status) => {
    const answer = await rawExchange(door.port, bytes(), () => false);
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect([answer.headers.get("connection"), newRequests()]).toEqual(["close", []]);
  });
});

describe("bodies that end in the middle", () => {
  const CHUNK = `4000\r\n${"a".repeat(0x4000)}\r\n`;
  it.each<readonly [string, (socket: Socket) => void, () => string]>([
    ["past their limit", () => {}, () => `${post("Transfer-Encoding: chunked")}${CHUNK.repeat(5)}`],
    ["in no chunk at all", () => {}, () => `${post("Transfer-Encoding: chunked")}zz\r\n`],
    ["where the client hangs up", (client) => client.destroy(), () => `${post("Content-Length: 9")}begun`],
    ["where the client ends", (client) => client.end(), () => `${post("Content-Length: 9")}begun`],
    ["where the gateway hangs up", hangUp, () => `${post("Content-Length: 9")}begun`],
    ["where the gateway has answered", answerAtOnce, () => `${post("Content-Length: 9")}begun`],
  ])("S119: %s, leave nothing behind that could end the door later", async (_where, then, bytes) => {
    const clock = createManualClock(Date.now());
    const own = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
      config: { limits: { requestBodyBytes: 64 * 1024 } },
      clock,
    });
    const session = await own.signIn(ALICE);
    const adapted = (text: string) =>
      text.replaceAll(door.publicUrl, own.publicUrl).replace(cookie, session).replace(door.host, own.host);
    const client = await rawConnect(own.port, "");
    gateway.answerEarlyWith(() => {
      setImmediate(then, client);
      return "";
    });
    const closed = untilClosed(client);
    client.write(adapted(bytes()));
    await closed;
    gateway.answerWith(undefined);
    // A timer that throws would end the process: here it throws into the test.
    clock.advance(10_000);
    expect((await rawExchange(own.port, adapted(post("Content-Length: 0")))).status).toBe(200);
    await own.close();
  });

  function hangUp(): void {
    for (const socket of gateway.sockets) socket.destroy();
  }

  function answerAtOnce(): void {
    for (const socket of gateway.sockets) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
});

describe("bodies that nobody reads", () => {
  it.each(["/auth/logout", "/auth/callback", "/api/me", "/", "/nothing"])(
    "without an end, at %s, end the connection with the answer",
    async (path) => {
      const chunk = `4000\r\n${"a".repeat(0x4000)}\r\n`;
      const bytes = head(`POST ${path} HTTP/1.1`, `Host: ${door.host}`, "Transfer-Encoding: chunked");
      const answer = await rawExchange(door.port, `${bytes}${chunk}`, () => false);
      expect([answer.status > 0, answer.headers.get("connection")]).toEqual([true, "close"]);
    },
  );

  it("S119: cut off in the middle, by the hundred, leave the door as it was", async () => {
    for (let index = 0; index < 100; index += 1) {
      const socket = await rawConnect(door.port, `${post("Content-Length: 50000")}begun`);
      socket.destroy();
    }
    const answer = await rawExchange(door.port, `${post("Content-Length: 2")}hi`);
    expect([answer.status, answer.body]).toEqual([200, '{"ok":true}']);
  });

  it("S119: unbalanced braces and the like in a path are 400 or forwarded as they are", async () => {
    for (const [path, status] of [
      ["/agents/coder/{", 400],
      ["/agents/coder/{{}", 400],
      ["/agents/coder/[", 400],
      ["/agents/coder/|", 400],
      ["/agents/coder/((", 200],
      ["/agents/coder/*)", 200],
      ["/agents/coder/:x?", 200],
    ] as const) {
      const answer = await rawExchange(door.port, head(`GET ${path} HTTP/1.1`, ...lines("GET").slice(1)));
      expect([path, answer.status]).toEqual([path, status]);
    }
  });
});

describe("S121: clients that are too slow with their head", () => {
  it.each([
    ["send nothing", ""],
    ["send half a request line", "GET / HT"],
    ["send a head without an end", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"],
  ])("who %s are cut off", async (_name, bytes) => {
    const answer = await rawExchange(door.port, bytes, () => false);
    expect([0, 408]).toContain(answer.status);
  });

  it("dripping a byte at a time does not help", async () => {
    const socket = await rawConnect(door.port, "GET / HTTP/1.1\r\nHost: x\r\n");
    const drip = setInterval(() => socket.write("X"), 100);
    const text = await untilClosed(socket);
    clearInterval(drip);
    expect(text).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });
});
