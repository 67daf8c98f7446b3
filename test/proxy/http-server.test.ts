// The public listener around an app that takes its time, plain and over TLS, against clients that take theirs. What its
// parser refuses is in test/attack/http-framing.test.ts.
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, test } from "vitest";
import { limitsSchema } from "../../config/limits.ts";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import type { TlsCertificate } from "../../core/tls-certificate.ts";
import type { App } from "../../proxy/app.ts";
import { createHttpServer, type HttpServerParts } from "../../proxy/http-server.ts";
import { selfSigned } from "../support/certificates.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { handshake, head, rawConnect, rawExchange } from "../support/raw-client.ts";

const log = createLog("test", "silent");
const LIMITS: HttpServerParts["limits"] = { ...limitsSchema.parse({}), trustedProxies: undefined };
/** What the app answers when a test has nothing else in mind. */
const ANSWERS: Pick<App, "onRequest" | "onUpgrade" | "takesSimple"> = {
  takesSimple: { request: () => undefined, upgrade: () => false },
  async onRequest(_incoming, response, refusal) {
    response.end(refusal?.code ?? "served");
  },
  async onUpgrade(_incoming, socket, _bytes, refusal) {
    socket.end(`HTTP/1.1 101 ${refusal?.code ?? "served"}\r\n\r\n`);
  },
};

let certificate: TlsCertificate;
beforeAll(async () => {
  certificate = { ...(await selfSigned()), validFrom: 0, expiresAt: Number.MAX_SAFE_INTEGER };
});

type Options = {
  readonly app?: Partial<App>;
  readonly limits?: Partial<HttpServerParts["limits"]>;
  readonly tls?: boolean;
  readonly clock?: ManualClock;
};

async function start({ app = {}, limits = {}, tls = false, clock }: Options): Promise<{
  readonly server: Server;
  readonly port: number;
}> {
  const server = createHttpServer(
    { ...ANSWERS, ...app },
    {
      limits: { ...LIMITS, ...limits },
      certificate: tls ? certificate : undefined,
      clock: clock ?? systemClock,
      log,
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** A client that has connected, over TLS when asked, and everything it is sent until the end. */
async function client(port: number, tls = false): Promise<{ socket: Socket; all: Promise<string> }> {
  const socket = tls
    ? connectTls({ port, host: "127.0.0.1", ca: certificate.cert })
    : connectPlain(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, tls ? "secureConnect" : "connect");
  return { socket, all: everything(socket) };
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => socket.destroy());
  await once(socket, "close");
  return text;
}

const GET = head("GET / HTTP/1.1", "Host: door");

// Node takes its own listener for errors off the socket of an upgrade, and so does the door's own reader: an error without
// one ends the process.
it.each([
  ["Node's server", "Trailer: A"],
  ["the door's own reader", "Accept: */*"],
])(
  "outlives a client that resets its connection while its upgrade, read by %s, is being decided on",
  async (_who, line) => {
    let arrived = (_socket: Socket) => {};
    const deciding = new Promise<Socket>((resolve) => {
      arrived = resolve;
    });
    const { port } = await start({
      app: {
        onUpgrade(_incoming, socket) {
          arrived(socket);
          return new Promise<void>(() => {});
        },
        takesSimple: {
          request: () => undefined,
          upgrade(_head, socket) {
            arrived(socket);
            return true;
          },
        },
      },
    });
    const attacker = await rawConnect(port, head(...handshake("/ws", "door", line)));
    const socket = await deciding;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    attacker.resetAndDestroy();
    expect(await closed).toBe(true);
  },
);

describe.each([false, true])("clients that take their time, over TLS: %s", (tls) => {
  const short = { headersTimeout: 300, requestTimeout: 300, keepAliveTimeout: 300 };

  it("S121: with a head of which a byte comes now and then are cut at the limit", async () => {
    const { port } = await start({ tls, limits: short });
    const { socket, all } = await client(port, tls);
    const bytes = [..."GET / HTTP/1.1\r\nHost: door\r\nX-Slow: "];
    const drip = setInterval(() => socket.write(bytes.shift() ?? "x"), 100);
    onTestFinished(() => clearInterval(drip));
    expect(await all).toMatch(/^(HTTP\/1.1 408 Request Timeout\r\n|$)/);
  });

  it("S121: that never say a word are cut at the limit", async () => {
    const { port } = await start({ tls, limits: short });
    expect(await (await client(port, tls)).all).toMatch(/^(HTTP\/1.1 408 Request Timeout\r\n|$)/);
  });

  it("with a body of which a byte comes now and then are cut at the limit", async () => {
    let cut = (_complete: boolean) => {};
    const body = new Promise<boolean>((resolve) => {
      cut = resolve;
    });
    const onRequest = async (incoming: IncomingMessage) => {
      incoming.resume().on("error", () => {});
      incoming.once("close", () => cut(incoming.complete));
    };
    const { port } = await start({ tls, limits: short, app: { onRequest } });
    const { socket, all } = await client(port, tls);
    socket.write(head("POST / HTTP/1.1", "Host: door", "Content-Length: 1000"));
    const drip = setInterval(() => socket.write("x"), 100);
    onTestFinished(() => clearInterval(drip));
    expect([await body, (await all).slice(0, 12)]).toEqual([false, "HTTP/1.1 408"]);
  });

  it("between two requests are let go at the limit, without a word", async () => {
    const { port } = await start({ tls, limits: short });
    const { socket, all } = await client(port, tls);
    socket.write(GET);
    expect((await all).match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  });

  it("over an answer are not cut: only the request has a limit", async () => {
    let answer = (_response: ServerResponse) => {};
    const asked = new Promise<ServerResponse>((resolve) => {
      answer = resolve;
    });
    const onRequest = async (_incoming: unknown, response: ServerResponse) => answer(response);
    const { server, port } = await start({
      tls,
      limits: { ...short, keepAliveTimeout: 60_000 },
      app: { onRequest },
    });
    const { socket, all } = await client(port, tls);
    socket.write(GET);
    const response = await asked;
    response.write("one");
    // Another connection past its limit tells that Node has looked since.
    await (await client(port, tls)).all;
    response.end("two");
    server.closeIdleConnections();
    socket.end();
    expect(await all).toContain("two");
  });
});

it("a client that reads nothing of its answer is cut at the limit", async () => {
  // More than kernels take in for a client that does not read.
  const onRequest = async (_incoming: unknown, response: ServerResponse) =>
    void response.end(Buffer.alloc(32 * 1024 * 1024));
  const short = { requestTimeout: 300, idleTimeout: 300, headersTimeout: 300 };
  const { server, port } = await start({ limits: short, app: { onRequest } });
  const connection = once(server, "connection") as Promise<[Socket]>;
  const attacker = connectPlain(port, "127.0.0.1");
  onTestFinished(() => void attacker.destroy());
  attacker.on("error", () => {}).write(GET);
  const [socket] = await connection;
  await once(socket, "close");
  expect(socket.bytesWritten).toBeGreaterThan(0);
});

it("S121: a TLS hello of which a byte comes now and then is cut at the limit", async () => {
  const { port } = await start({ tls: true, limits: { headersTimeout: 300 } });
  const { socket, all } = await client(port);
  const hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01];
  const drip = setInterval(() => socket.write(Buffer.of(hello.shift() ?? 0)), 100);
  onTestFinished(() => clearInterval(drip));
  expect(await all).toBe("");
});

it("a client that goes on asking behind a request that is not answered is cut, not kept in mind", async () => {
  const answering: ServerResponse[] = [];
  const onRequest = async (_incoming: unknown, response: ServerResponse) => void answering.push(response);
  const { port } = await start({ app: { onRequest } });
  const { socket, all } = await client(port);
  socket.write(GET.repeat(1_000));
  expect(await all).toBe("");
  expect(answering.map((response) => response.listenerCount("close"))).toEqual([expect.any(Number)]);
  expect(answering[0]?.listenerCount("close")).toBeLessThan(10);
});

/** The look, a second after it was accepted, at connections that say nothing. */
const WATCH = 1;

it("what is left of a body behind its answer is not read for ever", async () => {
  const clock = createManualClock(0);
  const { port } = await start({ clock });
  const { socket, all } = await client(port);
  socket.write(head("POST / HTTP/1.1", "Host: door", "Content-Length: 1000"));
  socket.write("x");
  await once(socket, "data");
  await expect.poll(() => clock.pending()).toBe(WATCH + 1);
  clock.advance(2_000);
  expect(await all).toMatch(/^HTTP\/1.1 200 OK\r\n/);
});

it("nor is one that somebody has begun to send on, and has given up", async () => {
  const clock = createManualClock(0);
  const { port } = await start({
    clock,
    app: {
      async onRequest(incoming, response) {
        // As undici does with the body of a request that was answered early.
        Object.assign(incoming, { socket: null });
        incoming.destroy();
        response.end("early");
      },
    },
  });
  const { socket, all } = await client(port);
  socket.write(`${head("POST / HTTP/1.1", "Host: door", "Content-Length: 1000")}x`);
  await once(socket, "data");
  await expect.poll(() => clock.pending()).toBe(WATCH + 1);
  clock.advance(2_000);
  expect(await all).toMatch(/^HTTP\/1.1 200 OK\r\n/);
});

it.each(["by its client", "by the door", "by undici, which leaves the answer to be written"] as const)(
  "a request cut short %s, in the middle of its body, leaves nothing behind",
  async (how) => {
    const clock = createManualClock(0);
    let gone = () => {};
    const closed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const onRequest = async (incoming: IncomingMessage, response: ServerResponse) => {
      response.on("close", () => setImmediate(gone));
      incoming.on("error", () => {});
      if (how === "by its client") response.write("begun");
      else if (how === "by the door") incoming.destroy();
      else {
        Object.assign(incoming, { socket: null });
        incoming.destroy();
        response.writeHead(413).end();
      }
    };
    const { port } = await start({ clock, app: { onRequest } });
    const { socket, all } = await client(port);
    socket.write(head("POST / HTTP/1.1", "Host: door", "Content-Length: 1000"));
    if (how === "by its client") {
      await once(socket, "data");
      socket.resetAndDestroy();
    }
    await closed;
    clock.advance(60_000);
    await all;
    expect(clock.pending()).toBe(0);
  },
);

it("a body that ends behind its answer leaves the connection to the next request", async () => {
  const clock = createManualClock(0);
  const { port } = await start({ clock });
  const { socket, all } = await client(port);
  socket.write(head("POST / HTTP/1.1", "Host: door", "Content-Length: 2"));
  socket.write("x");
  await once(socket, "data");
  await expect.poll(() => clock.pending()).toBe(WATCH + 1);
  socket.write("y");
  await expect.poll(() => clock.pending()).toBe(WATCH);
  socket.write(head("GET / HTTP/1.1", "Host: door", "Connection: close"));
  expect((await all).match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
});

describe.each([false, true])("a connection past the limit, over TLS: %s", (tls) => {
  it("hears why, on a request and on an upgrade", async () => {
    const { port } = await start({ tls, limits: { connections: 1 } });
    const first = await client(port, tls);
    const asking = await client(port, tls);
    asking.socket.write(head("GET / HTTP/1.1", "Host: door", "Connection: close"));
    expect(await asking.all).toMatch(/overloaded$/);
    const upgrading = await client(port, tls);
    upgrading.socket.write(head(...handshake("/ws", "door")));
    expect(await upgrading.all).toBe("HTTP/1.1 101 overloaded\r\n\r\n");
    first.socket.write(head("GET / HTTP/1.1", "Host: door", "Connection: close"));
    expect(await first.all).toMatch(/served$/);
  });
});

describe("TLS", () => {
  const speak = async (port: number, options: object) => {
    const socket = connectTls({ port, host: "127.0.0.1", ca: certificate.cert, ...options });
    onTestFinished(() => void socket.destroy());
    return new Promise<string>((resolve) => {
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once("secureConnect", () => resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`));
    });
  };

  test.each<[string, object, string]>([
    ["1.3", {}, "TLSv1.3 false"],
    ["1.2", { maxVersion: "TLSv1.2" }, "TLSv1.2 false"],
    ["with ALPN", { ALPNProtocols: ["h2", "http/1.1"] }, "TLSv1.3 http/1.1"],
  ])("%s is spoken", async (_what, options, expected) => {
    const { port } = await start({ tls: true });
    expect(await speak(port, options)).toBe(expected);
  });

  test.each<[string, object]>([
    ["1.1", { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }],
    ["for HTTP/2 alone (S125)", { ALPNProtocols: ["h2"] }],
  ])("%s is not, and the next client is served", async (_what, options) => {
    const { port } = await start({ tls: true });
    expect(await speak(port, options)).toMatch(/^(ERR_SSL|ECONNRESET|EPROTO)/);
    expect(await speak(port, {})).toBe("TLSv1.3 false");
  });

  // S123, CVE-2026-21637: a name that nobody serves must not end the process.
  test.each(["a".repeat(63), "xn--nxasmq6b", "*.example.com", "-", "under_score.example"])(
    "S123: the odd server name %s ends nothing",
    async (servername) => {
      const { port } = await start({ tls: true });
      await speak(port, { servername, checkServerIdentity: () => undefined });
      expect(await speak(port, {})).toBe("TLSv1.3 false");
    },
  );

  test.each([
    ["plain HTTP", Buffer.from(GET)],
    ["noise", Buffer.from([0x16, 0x03, 0x01, 0x00, 0x04, 0xff, 0xff, 0xff, 0xff])],
    ["nothing", Buffer.alloc(0)],
  ])("%s in place of a hello is cut without an answer in HTTP", async (_what, bytes) => {
    const { port } = await start({ tls: true });
    const { socket, all } = await client(port);
    if (bytes.length > 0) socket.write(bytes);
    else socket.end();
    expect(await all).not.toContain("HTTP/1.1");
    expect(await speak(port, {})).toBe("TLSv1.3 false");
  });

  it("carries an upgrade and what follows it", async () => {
    const onUpgrade: App["onUpgrade"] = async (_incoming, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      socket.pipe(socket);
    };
    const { port } = await start({ tls: true, app: { onUpgrade } });
    const { socket, all } = await client(port, true);
    socket.write(head(...handshake("/ws", "door")));
    await once(socket, "data");
    socket.end("frames");
    expect(await all).toBe("HTTP/1.1 101 Switching Protocols\r\n\r\nframes");
    expect((socket as TLSSocket).authorized).toBe(true);
  });
});

describe("a body that the client asks leave to send", () => {
  /** An app that invites the body when it is told to. */
  async function startServer() {
    const asked: { readonly response: ServerResponse; readonly body: Promise<string> }[] = [];
    const app = {
      async onRequest(incoming: IncomingMessage, response: ServerResponse) {
        asked.push({ response, body: text(incoming) });
      },
    };
    const { port } = await start({ app });
    return { port, asked };
  }
  const post = (expectation: string) =>
    head("POST / HTTP/1.1", "Host: door", `Expect: ${expectation}`, "Content-Length: 2");

  it("is not invited by the listener, but by who reads it", async () => {
    const { port, asked } = await startServer();
    const client = await rawConnect(port, post("100-Continue"));
    await expect.poll(() => asked.length).toBe(1);
    const arrived = once(client, "data");
    asked[0]?.response.writeContinue();
    expect(String((await arrived)[0])).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hi");
    expect(await asked[0]?.body).toBe("hi");
    client.destroy();
  });

  it("ends the connection when it is refused, so that it is never taken for a request", async () => {
    const { port, asked } = await startServer();
    const refused = rawExchange(port, post("100-continue"), () => false);
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.response.writeHead(401).end();
    expect((await refused).text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n.*Connection: close\r\n/s);
  });

  it.each(["a-miracle", "100-continue, a-miracle", "a-miracle=100-continue", ""])(
    "with Expect: %j is 417 before anybody is asked who it is",
    async (expectation) => {
      const { port, asked } = await startServer();
      const answer = await rawExchange(port, post(expectation), () => false);
      expect([answer.status, answer.headers.get("connection"), asked.length]).toEqual([417, "close", 0]);
    },
  );
});
