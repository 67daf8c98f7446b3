// Gateways that die, restart, fall silent or are slow, and clients that are: what people see, what the door keeps, and
// that nobody else notices (fault cases 10, 11 and 13 to 15; 28 is test/attack/gateway-answer.test.ts).
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  ALICE,
  BOB,
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import {
  handshake,
  head,
  type RawConversation,
  rawConnect,
  rawConversation,
  rawExchange,
  untilClosed,
} from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder, switching } from "../support/recorder-gateway.ts";
import { startTcpFaultProxy, type TcpFaultProxy } from "../support/tcp-fault-proxy.ts";

/** A text frame, unmasked as a gateway sends it, that says `hi`. */
const FRAME = Buffer.from([0x81, 0x02, 0x68, 0x69]);

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let alice: string;
let bob: string;
let proxies: TcpFaultProxy[];

beforeEach(async () => {
  proxies = [];
  gateway = await startRecorder();
});
afterEach(async () => {
  await door.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await gateway.close();
});

async function openDoor(
  limits: NonNullable<FrontDoorOptions["config"]>["limits"] = {},
  url = gateway.url,
): Promise<void> {
  door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": url } } },
    config: { limits },
  });
  [alice, bob] = [await door.signIn(ALICE), await door.signIn(BOB)];
}

const asking = (cookie: string, method = "GET", ...lines: readonly string[]) =>
  head(
    `${method} /agents/assistant/x HTTP/1.1`,
    `Host: ${door.host}`,
    `Origin: ${door.publicUrl}`,
    `Cookie: ${cookie}`,
    ...lines,
  );
const upgrading = (cookie: string) =>
  head(...handshake("/agents/assistant/ws", door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`));

/** What follows the head of the answer. */
const behindHead = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);

async function proxyTo(port: number): Promise<TcpFaultProxy> {
  const proxy = await startTcpFaultProxy(port);
  proxies.push(proxy);
  return proxy;
}

/** Alice's tunnel, with the gateway's end of it. */
async function openTunnel(port = door.port): Promise<{ client: RawConversation; atGateway: Socket }> {
  const upstream = new Promise<Socket>((resolve) =>
    gateway.answerWith((request, socket) => {
      resolve(socket);
      return switching(request);
    }),
  );
  const client = await rawConversation(port);
  expect((await client.ask(upgrading(alice))).status).toBe(101);
  gateway.answerWith(undefined);
  return { client, atGateway: await upstream };
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

/** Code of the close frame that these bytes are, and nothing else. */
function closeCodeOf(bytes: string): number {
  const frame = Buffer.from(bytes, "latin1");
  expect([frame[0], (frame[1] ?? 0) + 2]).toEqual([0x88, frame.length]);
  return frame.readUInt16BE(2);
}

describe.each(["destroy", "resetAndDestroy"] as const)("fault case 10: a gateway that dies (%s)", (die) => {
  async function dies(): Promise<void> {
    for (const socket of gateway.sockets) socket[die]();
    await gateway.close();
  }

  it("in a WebSocket: the client is told to come back, and the next one that nobody is there", async () => {
    await openDoor();
    const { client, atGateway } = await openTunnel();
    const said = untilClosed(client.socket, (text) => {
      if (text === FRAME.toString("latin1")) void dies();
    });
    atGateway.write(FRAME);
    expect(closeCodeOf((await said).slice(FRAME.length))).toBe(1013);
    const after = [
      await rawExchange(door.port, asking(alice)),
      await rawExchange(door.port, upgrading(alice)),
    ];
    expect(
      after.map(({ status, headers, body }) => [
        status,
        headers.get("retry-after"),
        JSON.parse(body).error.code,
      ]),
    ).toEqual([
      [503, "5", "gateway_unavailable"],
      [503, "5", "home_unavailable"],
    ]);
    const ends = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "connection_closed");
    expect(ends.map(({ reason }) => reason)).toEqual(["gateway-lost"]);
  });

  it("in the middle of a frame: the client sees an abrupt end, never a frame of ours inside", async () => {
    await openDoor();
    const { client, atGateway } = await openTunnel();
    const half = Buffer.from([0x81, 0x7d, 0x68, 0x69]);
    const said = untilClosed(client.socket, (text) => {
      if (text === half.toString("latin1")) void dies();
    });
    atGateway.write(half);
    expect(await said).toBe(half.toString("latin1"));
  });

  it.each([
    ["with a length", "Content-Length: 100", "only this"],
    ["in chunks", "Transfer-Encoding: chunked", "9\r\nonly this\r\n"],
  ])("in an answer %s: it is cut short, never ended cleanly", async (_how, framing, begun) => {
    await openDoor();
    gateway.answerWith(() => `${head("HTTP/1.1 200 OK", framing)}${begun}`);
    const socket = await rawConnect(door.port, asking(alice));
    const text = await untilClosed(socket, (received) => {
      if (received.includes("only this")) void dies();
    });
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(behindHead(text)).toBe(begun);
    expect((await rawExchange(door.port, asking(alice))).status).toBe(503);
  });
});

describe("fault case 11: a gateway that restarts", () => {
  const METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"] as const;
  const withBody = (method: string) =>
    method === "GET" || method === "HEAD"
      ? asking(alice, method)
      : `${asking(alice, method, "Content-Length: 2")}hi`;

  it.each(METHODS)("%s is sent once, however the connection ends before an answer", async (method) => {
    await openDoor();
    for (const end of ["end", "destroy", "resetAndDestroy"] as const) {
      for (const isPooled of [false, true]) {
        gateway.answerWith(undefined);
        if (isPooled) expect((await rawExchange(door.port, asking(alice))).status).toBe(200);
        const before = gateway.requests.length;
        gateway.answerWith((_request, socket) => {
          socket[end]();
          return "";
        });
        const answer = await rawExchange(door.port, withBody(method), (text) => text.includes("\r\n\r\n"));
        expect([end, answer.status, gateway.requests.slice(before).map((request) => request.method)]).toEqual(
          [end, 502, [method]],
        );
      }
    }
  });

  it.each(METHODS)(
    "%s on a connection that ends at that moment is answered, or was never sent twice",
    async (method) => {
      await openDoor();
      for (let round = 0; round < 10; round += 1) {
        expect((await rawExchange(door.port, asking(alice))).status).toBe(200);
        const before = gateway.requests.length;
        const answer = rawExchange(door.port, withBody(method), (text) => text.includes("\r\n\r\n"));
        const endAll = () => {
          for (const socket of gateway.sockets) socket.end();
        };
        if (round % 2 === 0) endAll();
        else setImmediate(endAll);
        const { status } = await answer;
        const times = gateway.requests.length - before;
        expect([200, 502]).toContain(status);
        expect(times).toBeLessThanOrEqual(1);
        if (status === 200) expect(times).toBe(1);
      }
    },
  );

  it("is 503 while it is away, and forwarded to again when it is back, by itself", async () => {
    await openDoor();
    const { port } = new URL(gateway.url);
    await gateway.close();
    expect((await rawExchange(door.port, asking(alice))).status).toBe(503);
    gateway = await startRecorder(Number(port));
    const again = async () => expect((await rawExchange(door.port, asking(alice))).status).toBe(200);
    await vi.waitFor(again, { timeout: 20_000, interval: 100 });
    expect((await rawExchange(door.port, upgrading(alice))).status).toBe(101);
  });
});

describe("fault case 13: a side that falls silent without a word", () => {
  const IDLE = { idleTimeout: "1s" } as const;

  it("the client: both sides are given up, and its place is free", async () => {
    await openDoor({ ...IDLE, sockets: 1 });
    const proxy = await proxyTo(door.port);
    const { client, atGateway } = await openTunnel(proxy.port);
    expect((await rawExchange(door.port, upgrading(bob))).status).toBe(503);
    proxy.hold();
    proxy.keepFarSides();
    client.close();
    await closed(atGateway);
    const next = async () => expect((await rawExchange(door.port, upgrading(bob))).status).toBe(101);
    await vi.waitFor(next, { timeout: 10_000, interval: 20 });
    const ends = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "connection_closed");
    expect(ends[0]?.reason).toBe("1001 idle for too long");
  });

  it("the gateway, in a WebSocket: the client is told, and both sides are given up", async () => {
    const proxy = await proxyTo(Number(new URL(gateway.url).port));
    await openDoor(IDLE, `http://127.0.0.1:${proxy.port}`);
    const { client, atGateway } = await openTunnel();
    const said = untilClosed(client.socket);
    proxy.hold();
    expect(closeCodeOf(await said)).toBe(1001);
    await closed(atGateway);
  });

  it("the gateway, in an answer: it is cut short", async () => {
    const proxy = await proxyTo(Number(new URL(gateway.url).port));
    await openDoor(IDLE, `http://127.0.0.1:${proxy.port}`);
    gateway.answerWith(() => `${head("HTTP/1.1 200 OK", "Content-Length: 100")}only this`);
    const socket = await rawConnect(door.port, asking(alice));
    const text = await untilClosed(socket, (received) => {
      if (received.includes("only this")) proxy.hold();
    });
    expect(behindHead(text)).toBe("only this");
  });

  it.each([
    ["a request", () => asking(alice)],
    ["an upgrade", () => upgrading(alice)],
  ])("the gateway, before it answers %s: 502, and the connection is given up", async (_what, bytes) => {
    await openDoor({ answerTimeout: "300ms" });
    let gaveUp: Promise<void> = Promise.resolve();
    gateway.answerWith((_request, socket) => {
      gaveUp = closed(socket);
      return "";
    });
    const answer = await rawExchange(door.port, bytes());
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([502, "gateway_answer_invalid"]);
    await gaveUp;
  });
});

describe("fault case 14: one side is slower than the other", () => {
  const MUCH = 64 * 1024 * 1024;
  const CHUNK = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  const DIGEST = createHash("sha256");
  for (let sent = 0; sent < MUCH; sent += CHUNK.length) DIGEST.update(CHUNK);
  const expected = DIGEST.digest("hex");
  /** What sockets of the system hold on the way, and a few buffers of the door's. */
  const ON_THE_WAY = 32 * 1024 * 1024;

  /** Writes `MUCH` as fast as it is taken; tells how much was. */
  function pump(socket: Socket): () => number {
    let written = 0;
    const more = () => {
      while (written < MUCH) {
        written += CHUNK.length;
        if (!socket.write(CHUNK)) return void socket.once("drain", more);
      }
    };
    more();
    return () => written - socket.writableLength;
  }

  /** Waits until no more is taken while others are served; answers how much was. */
  async function standstill(taken: () => number): Promise<number> {
    let [before, still] = [-1, 0];
    while (still < 20) {
      expect((await rawExchange(door.port, asking(bob))).status).toBe(200);
      still = taken() === before ? still + 1 : 0;
      before = taken();
    }
    return before;
  }

  /** Reads so many bytes behind what was skipped; answers their digest. */
  function digestOf(socket: Socket, skip: number): Promise<string> {
    const digest = createHash("sha256");
    let [skipped, read] = [0, 0];
    return new Promise((resolve) => {
      socket.on("data", (chunk) => {
        const rest = chunk.subarray(Math.min(chunk.length, skip - skipped));
        skipped += chunk.length - rest.length;
        digest.update(rest);
        read += rest.length;
        if (read === MUCH) resolve(digest.digest("hex"));
      });
      socket.resume();
    });
  }

  /** A frame's header of this payload length (RFC 6455 §5.2). */
  function headerOf(length: number, isMasked: boolean): Buffer {
    const header = Buffer.alloc(10 + (isMasked ? 4 : 0));
    header[0] = 0x82;
    header[1] = 127 | (isMasked ? 0x80 : 0);
    header.writeBigUInt64BE(BigInt(length), 2);
    return header;
  }

  it("a client reads nothing of its WebSocket: the gateway is held back, nobody else, and nothing is lost", async () => {
    await openDoor();
    const { client, atGateway } = await openTunnel();
    client.socket.removeAllListeners("data").pause();
    const header = headerOf(MUCH, false);
    atGateway.write(header);
    expect(await standstill(pump(atGateway))).toBeLessThan(ON_THE_WAY);
    expect(await digestOf(client.socket, header.length)).toBe(expected);
    client.close();
  });

  it("a client reads nothing of an answer: likewise", async () => {
    await openDoor();
    const upstream = new Promise<Socket>((resolve) =>
      gateway.answerWith((_request, socket) => {
        gateway.answerWith(undefined);
        resolve(socket);
        return head("HTTP/1.1 200 OK", `Content-Length: ${MUCH}`);
      }),
    );
    const client = await rawConnect(door.port, asking(alice));
    client.pause();
    const taken = pump(await upstream);
    expect(await standstill(taken)).toBeLessThan(ON_THE_WAY);
    const answerHead = await new Promise<Buffer>((resolve) =>
      client.once("readable", () => resolve(client.read())),
    );
    const end = answerHead.indexOf("\r\n\r\n") + 4;
    client.unshift(answerHead.subarray(end));
    expect(await digestOf(client, 0)).toBe(expected);
    client.destroy();
  });

  it("a gateway reads nothing of a WebSocket: the client is held back, nobody else, and nothing is lost", async () => {
    await openDoor();
    const { client, atGateway } = await openTunnel();
    atGateway.removeAllListeners("data").pause();
    const header = headerOf(MUCH, true);
    client.socket.write(header);
    expect(await standstill(pump(client.socket))).toBeLessThan(ON_THE_WAY);
    expect(await digestOf(atGateway, header.length)).toBe(expected);
    client.close();
  });

  it("a gateway reads nothing of a request's body: likewise", async () => {
    await openDoor();
    const upstream = new Promise<{ atGateway: Socket; begun: number }>((resolve) =>
      gateway.answerEarlyWith((_request, socket, begun) => {
        gateway.answerWith(undefined);
        socket.removeAllListeners("data").pause();
        resolve({ atGateway: socket, begun: begun.length });
        return "";
      }),
    );
    const client = await rawConversation(door.port);
    // A head may wait for the first part of its body.
    const answer = client.ask(`${asking(alice, "POST", `Content-Length: ${MUCH + 1}`)}x`);
    const { atGateway, begun } = await upstream;
    expect(await standstill(pump(client.socket))).toBeLessThan(ON_THE_WAY);
    expect(await digestOf(atGateway, 1 - begun)).toBe(expected);
    atGateway.write(`${head("HTTP/1.1 200 OK", "Content-Length: 4")}read`);
    expect((await answer).body).toBe("read");
    client.close();
  });
});

describe("fault case 15: clients that never come to an end with their head", () => {
  it("are cut off by the hundred, while everybody else is served", async () => {
    await openDoor({ headersTimeout: "1s" });
    const slow = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const bytes = index % 2 === 0 ? asking(alice) : upgrading(alice);
        const socket = await rawConnect(door.port, bytes.slice(0, -2 - (index % 50)));
        return untilClosed(socket);
      }),
    );
    const before = gateway.requests.length;
    for (let count = 0; count < 30; count += 1) {
      expect((await rawExchange(door.port, count % 2 === 0 ? asking(bob) : upgrading(bob))).status).toBe(
        count % 2 === 0 ? 200 : 101,
      );
    }
    for (const text of await Promise.all(slow)) expect(text).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(gateway.requests.length - before).toBe(30);
  });
});
