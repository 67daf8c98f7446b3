// The door's own reader in front of Node's server, plain and over TLS. Whatever the one leaves, the other answers with
// `node:` and what it was asked for.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, test } from "vitest";
import type { ClientAnswer } from "../../../proxy/client-answer.ts";
import { readSimpleRequests } from "../../../proxy/simple/read-simple-requests.ts";
import type { TakesSimple } from "../../../proxy/simple/simple-connection.ts";
import { selfSigned } from "../../support/certificates.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { handshake, head } from "../../support/raw-client.ts";

const LIMITS = { headerBytes: 16 * 1024, headerCount: 100, headersTimeout: 5_000, keepAliveTimeout: 7_000 };
/** Between two looks at who is silent. */
const LOOK_MS = 1_000;

let certificate: { readonly key: string; readonly cert: string };
beforeAll(async () => {
  certificate = await selfSigned();
});

/** What a simple request was taken for. */
type Taken = { readonly url: string; readonly before: Taken | undefined };

type Exchange = { readonly taken: Taken; readonly answer: ClientAnswer };

type Settings = {
  readonly tls?: boolean;
  readonly takes?: Partial<TakesSimple<Taken>>;
};

/** A server that takes every simple request below `/simple`, and answers it `simple:` with its target unless told otherwise. */
async function start({ tls = false, takes = {} }: Settings) {
  const clock = createManualClock(0);
  const server: Server = tls ? createTlsServer(certificate) : createServer();
  const exchanges: Exchange[] = [];
  const faults: unknown[] = [];
  const sockets: Socket[] = [];
  let answers = true;
  readSimpleRequests<Taken>(
    server,
    tls ? "secureConnection" : "connection",
    {
      request({ url }, _socket, answer, before) {
        if (!url.startsWith("/simple")) return undefined;
        const taken = { url, before };
        exchanges.push({ taken, answer });
        if (answers) sayWith(answer, `simple:${url}`);
        return taken;
      },
      upgrade: () => false,
      ...takes,
    },
    { limits: LIMITS, clock, onFault: (error) => faults.push(error) },
  );
  server.on("request", (incoming: IncomingMessage, response) => {
    let body = "";
    incoming.setEncoding("latin1").on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", () => {
      const text = `node:${incoming.url}${body}`;
      response.writeHead(200, { "content-length": text.length }).end(text);
    });
  });
  server.on(tls ? "secureConnection" : "connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    server,
    clock,
    exchanges,
    faults,
    sockets,
    /** From now on the test answers. */
    answerNothing() {
      answers = false;
    },
    client: () => connected(port, tls),
  };
}

function sayWith(answer: ClientAnswer, text: string): void {
  answer.writeHead(200, ["content-length", String(text.length)]);
  answer.end(text, "latin1");
}

async function connected(port: number, tls: boolean) {
  const plain = connect(port, "127.0.0.1");
  const socket = tls ? connectTls({ socket: plain, host: "127.0.0.1", ca: certificate.cert }) : plain;
  onTestFinished(() => void plain.destroy());
  plain.on("error", () => {});
  let text = "";
  let check = () => {};
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    check();
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const ended = new Promise<void>((resolve) => socket.on("end", () => resolve()));
  await once(socket, tls ? "secureConnect" : "connect");
  return {
    socket,
    closed,
    ended,
    reset: () => plain.resetAndDestroy(),
    text: () => text,
    /** The bodies of all answers until now, once there are so many. */
    bodies(count: number): Promise<readonly string[]> {
      return new Promise((resolve) => {
        check = () => {
          const bodies = bodiesIn(text);
          if (bodies.length >= count) resolve(bodies);
        };
        check();
      });
    },
  };
}

function bodiesIn(text: string): string[] {
  const bodies: string[] = [];
  for (let rest = text; ; ) {
    const [, length] = /content-length: (\d+)/i.exec(rest) ?? [];
    const from = rest.indexOf("\r\n\r\n") + 4;
    if (length === undefined || from < 4 || rest.length < from + Number(length)) return bodies;
    bodies.push(rest.slice(from, from + Number(length)));
    rest = rest.slice(from + Number(length));
  }
}

const get = (target: string, ...lines: readonly string[]) =>
  head(`GET ${target} HTTP/1.1`, "Host: door", ...lines);
const BODY = head("POST /body HTTP/1.1", "Host: door", "Content-Length: 2");

describe.each([false, true])("over TLS: %s, a connection", (tls) => {
  it("carries simple requests one after another", async () => {
    const { client } = await start({ tls });
    const { socket, bodies } = await client();
    const targets = ["/simple/1", "/simple/2", "/simple/3"];
    for (const [index, target] of targets.entries()) {
      socket.write(get(target));
      await bodies(index + 1);
    }
    expect(await bodies(3)).toEqual(targets.map((target) => `simple:${target}`));
  });

  it.each<readonly [string, readonly string[], readonly string[]]>([
    ["a request that is not taken", [get("/other")], ["node:/other"]],
    ["a request with a body", [`${BODY}xy`], ["node:/bodyxy"]],
    ["a body in parts", [BODY, "x", "y"], ["node:/bodyxy"]],
    ["a head in two parts", [get("/simple").slice(0, 20), get("/simple").slice(20)], ["node:/simple"]],
    ["a head byte by byte", [...get("/simple")], ["node:/simple"]],
    ["two requests at once", [get("/simple/1") + get("/simple/2")], ["node:/simple/1", "node:/simple/2"]],
    ["one and a half", [get("/a") + BODY, "xy"], ["node:/a", "node:/bodyxy"]],
    ["an empty line before a request", [`\r\n${get("/simple")}`], ["node:/simple"]],
  ])("with %s goes to Node's server, without losing a byte, and for good", async (_what, parts, expected) => {
    const { client, exchanges, sockets } = await start({ tls });
    const { socket, bodies } = await client();
    socket.write(get("/simple/before"));
    await bodies(1);
    let sent = get("/simple/before").length;
    for (const part of parts) {
      socket.write(part);
      sent += part.length;
      // Each part in a read of its own.
      await expect.poll(() => sockets[0]?.bytesRead, { interval: 1 }).toBe(sent);
    }
    await bodies(1 + expected.length);
    socket.write(get("/simple/behind"));
    expect(await bodies(2 + expected.length)).toEqual([
      "simple:/simple/before",
      ...expected,
      "node:/simple/behind",
    ]);
    expect(exchanges.map(({ taken }) => taken.url)).toEqual(["/simple/before"]);
  });

  it("carries one exchange: what comes behind a request that is not answered is dropped, and the connection ends", async () => {
    const { client, exchanges, sockets, answerNothing } = await start({ tls });
    answerNothing();
    const { socket, bodies, closed } = await client();
    socket.write(get("/simple/1"));
    await expect.poll(() => exchanges.length).toBe(1);
    socket.write(get("/simple/2") + BODY);
    const whole = get("/simple/1").length + get("/simple/2").length + BODY.length;
    await expect.poll(() => sockets[0]?.bytesRead).toBe(whole);
    const text = "x".repeat(100_000);
    for (const { answer } of exchanges) sayWith(answer, text);
    await closed;
    expect([await bodies(1), exchanges.length]).toEqual([[text], 1]);
  });

  it("carries what a client asks that has its answer before the door knows that it is sent", async () => {
    const { client, exchanges, sockets, answerNothing } = await start({ tls });
    answerNothing();
    const { socket, bodies } = await client();
    socket.write(get("/simple/1"));
    await expect.poll(() => exchanges.length).toBe(1);
    // Over TLS a write is reported in a later turn; with many connections, another read may come in between.
    for (const { answer } of exchanges) sayWith(answer, "one");
    for (const part of [get("/simple/2").slice(0, 9), get("/simple/2").slice(9)])
      sockets[0]?.push(Buffer.from(part));
    expect(await bodies(2)).toEqual(["one", "node:/simple/2"]);
    socket.write(get("/other"));
    expect(await bodies(3)).toEqual(["one", "node:/simple/2", "node:/other"]);
  });

  it("is cut when too much comes behind a request that is not answered", async () => {
    const { client, exchanges, answerNothing } = await start({ tls });
    answerNothing();
    const { socket, text, closed } = await client();
    socket.write(get("/simple/1"));
    await expect.poll(() => exchanges.length).toBe(1);
    const over = new Promise<void>((resolve) => exchanges[0]?.answer.on("close", resolve));
    socket.write(get("/simple/2").repeat(3_000));
    await Promise.all([closed, over]);
    expect([text(), exchanges.length, exchanges[0]?.answer.destroyed]).toEqual(["", 1, true]);
  });

  it("that is to end takes on nothing more, nor does Node's server", async () => {
    const { client, exchanges, sockets, server, answerNothing } = await start({ tls });
    answerNothing();
    const { socket, bodies, closed } = await client();
    let asked = 0;
    server.on("request", () => {
      asked += 1;
    });
    socket.write(get("/simple/1"));
    await expect.poll(() => exchanges.length).toBe(1);
    const [{ answer } = expect.fail("no exchange")] = exchanges;
    answer.shouldKeepAlive = false;
    const over = new Promise<void>((resolve) => answer.on("close", () => setImmediate(resolve)));
    sayWith(answer, "last");
    await expect.poll(() => sockets[0]?.writable).toBe(false);
    for (const target of ["/simple/2", "/other"]) sockets[0]?.push(Buffer.from(get(target)));
    await Promise.all([closed, over]);
    expect([await bodies(1), exchanges.length, asked]).toEqual([["last"], 1, 0]);
  });

  it("is cut, and nothing else, when what takes its request throws", async () => {
    const { client, faults } = await start({
      tls,
      takes: {
        request() {
          throw new Error("request");
        },
        upgrade() {
          throw new Error("upgrade");
        },
      },
    });
    for (const bytes of [get("/simple"), head(...handshake("/ws", "door"))]) {
      const { socket, closed, text } = await client();
      socket.write(bytes);
      await closed;
      expect(text()).toBe("");
    }
    expect(faults).toEqual([new Error("request"), new Error("upgrade")]);
  });

  describe("for another protocol", () => {
    const UPGRADE = head(...handshake("/ws", "door"));

    it("is handed on paused, with every byte that comes behind", async () => {
      const taken: Socket[] = [];
      const { client } = await start({ tls, takes: { upgrade: (_head, socket) => taken.push(socket) > 0 } });
      const { socket } = await client();
      socket.write(UPGRADE);
      await expect.poll(() => taken.length).toBe(1);
      socket.write("early");
      const [mine = expect.fail("nothing was taken")] = taken;
      await expect.poll(() => mine.readableLength).toBe(5);
      expect(mine.isPaused()).toBe(true);
      let came = "";
      mine.on("data", (chunk) => {
        came += chunk;
      });
      mine.resume();
      socket.write(" and late");
      await expect.poll(() => came).toBe("early and late");
    });

    it.each([
      ["that is not taken", UPGRADE],
      ["that is not simple", head(...handshake("/ws", "door", "TE: trailers", "Trailer: A"))],
    ])("%s goes to Node's server, with every byte that comes behind", async (_what, bytes) => {
      const { client, server } = await start({ tls });
      const upgraded = once(server, "upgrade") as Promise<[IncomingMessage, Socket, Buffer]>;
      const { socket } = await client();
      socket.write(bytes);
      const [incoming, mine, behind] = await upgraded;
      expect([incoming.url, behind.length]).toEqual(["/ws", 0]);
      socket.write("early");
      // Whoever has it takes its time: nothing may flow away meanwhile.
      await expect.poll(() => mine.readableLength).toBe(5);
      let came = "";
      mine.on("data", (chunk) => {
        came += chunk;
      });
      socket.write(" and late");
      await expect.poll(() => came).toBe("early and late");
    });

    it("goes on in order when more comes in the same turn", async () => {
      const { client, server, sockets } = await start({ tls });
      const upgraded = once(server, "upgrade") as Promise<[IncomingMessage, Socket, Buffer]>;
      const { socket } = await client();
      // Over TLS two reads, one within the other's turn; otherwise one.
      socket.write(UPGRADE);
      socket.write("early");
      const [incoming, mine, behind] = await upgraded;
      await expect.poll(() => sockets[0]?.bytesRead).toBe(UPGRADE.length + 5);
      expect([incoming.url, behind.length + mine.readableLength]).toEqual(["/ws", 5]);
    });

    it("is known to have ended, paused as it is, while whoever took it takes its time", async () => {
      const taken: Socket[] = [];
      const { client } = await start({ tls, takes: { upgrade: (_head, socket) => taken.push(socket) > 0 } });
      const { socket } = await client();
      socket.write(UPGRADE);
      await expect.poll(() => taken.length).toBe(1);
      socket.end();
      await expect.poll(() => taken[0]?.readableEnded).toBe(true);
    });

    it("may be reset while whoever took it takes its time", async () => {
      const taken: Socket[] = [];
      const { client } = await start({ tls, takes: { upgrade: (_head, socket) => taken.push(socket) > 0 } });
      const { socket, reset } = await client();
      socket.write(UPGRADE);
      await expect.poll(() => taken.length).toBe(1);
      const closed = new Promise((resolve) => taken[0]?.once("close", resolve));
      reset();
      await closed;
    });
  });
});

describe("what was made of the request before", () => {
  it("is given with the very same fields alone, on the same connection", async () => {
    const { client, exchanges } = await start({});
    const [one, other] = [await client(), await client()];
    const asked = [
      [one, get("/simple/1", "Cookie: a")],
      [one, get("/simple/2", "Cookie: a").replace("GET", "HEAD")],
      [one, get("/simple/3", "Cookie: b")],
      [one, get("/simple/4", "Cookie: a")],
      [other, get("/simple/5", "Cookie: a")],
      [one, get("/simple/6", "Cookie: a")],
    ] as const;
    for (const [index, [{ socket }, bytes]] of asked.entries()) {
      socket.write(bytes);
      await expect.poll(() => exchanges.length).toBe(index + 1);
    }
    expect(exchanges.map(({ taken }) => [taken.url, taken.before?.url])).toEqual([
      ["/simple/1", undefined],
      ["/simple/2", "/simple/1"],
      ["/simple/3", undefined],
      ["/simple/4", undefined],
      ["/simple/5", undefined],
      ["/simple/6", "/simple/4"],
    ]);
  });
});

it.each([
  [4_096, "given", "/simple/1"],
  [4_097, "forgotten", undefined],
])("what was made of %d bytes of fields is %s when they come again", async (size, _what, before) => {
  const { client, exchanges } = await start({});
  const { socket, bodies } = await client();
  const fields = get("/").length - "GET / HTTP/1.1\r\n".length;
  const filler = `A: ${"b".repeat(size - fields - "A: \r\n".length)}`;
  for (const count of [1, 2]) {
    socket.write(get(`/simple/${count}`, filler));
    await bodies(count);
  }
  expect(exchanges.map(({ taken }) => taken.before?.url)).toEqual([undefined, before]);
});

describe("a client that has said all", () => {
  it("between two requests is let go", async () => {
    const { client } = await start({});
    const { socket, bodies, ended } = await client();
    socket.write(get("/simple"));
    await bodies(1);
    socket.end();
    await ended;
    expect(await bodies(1)).toEqual(["simple:/simple"]);
  });

  it("before its request is answered gets no answer, as from Node's server, and whoever answers hears of it", async () => {
    const { client, exchanges, answerNothing } = await start({});
    answerNothing();
    const { socket, text, ended } = await client();
    socket.write(get("/simple"));
    await expect.poll(() => exchanges.length).toBe(1);
    const over = new Promise<void>((resolve) => exchanges[0]?.answer.on("close", resolve));
    socket.end();
    await Promise.all([over, ended]);
    expect([text(), exchanges[0]?.answer.destroyed]).toEqual(["", true]);
  });

  it("in the middle of an answer that is written still gets all of it", async () => {
    const { client, exchanges, answerNothing } = await start({});
    answerNothing();
    const { socket, bodies } = await client();
    socket.write(get("/simple"));
    await expect.poll(() => exchanges.length).toBe(1);
    socket.pause();
    // More than kernels take in for a client that does not read.
    const text = "x".repeat(16 * 1024 * 1024);
    for (const { answer } of exchanges) sayWith(answer, text);
    socket.end();
    await new Promise((resolve) => socket.once("finish", resolve));
    socket.resume();
    const [body = ""] = await bodies(1);
    expect(body.length).toBe(text.length);
  });
});

describe("a client that is silent", () => {
  it("is cut when it brings no first request in time", async () => {
    const { client, clock, sockets } = await start({});
    const { closed, text } = await client();
    await expect.poll(() => sockets.length).toBe(1);
    clock.advance(LIMITS.headersTimeout - 1);
    expect(sockets[0]?.destroyed).toBe(false);
    clock.advance(LOOK_MS);
    await closed;
    expect(text()).toBe("");
  });

  it("is cut when it brings no other request in time", async () => {
    const { client, clock, sockets } = await start({});
    const { socket, bodies, closed } = await client();
    clock.advance(3_500);
    socket.write(get("/simple"));
    await bodies(1);
    clock.advance(LIMITS.keepAliveTimeout - 1);
    expect(sockets[0]?.destroyed).toBe(false);
    clock.advance(LOOK_MS);
    await closed;
  });

  it("while its answer is on the way is not cut, unless whoever answers says so", async () => {
    const { client, clock, exchanges, sockets, answerNothing } = await start({});
    answerNothing();
    const { socket, closed } = await client();
    socket.write(get("/simple"));
    await expect.poll(() => exchanges.length).toBe(1);
    clock.advance(24 * 60 * 60 * 1_000);
    expect(sockets[0]?.destroyed).toBe(false);
    exchanges[0]?.answer.setTimeout(2_000);
    clock.advance(2_000 + LOOK_MS);
    await closed;
  });

  it("is Node's server's to watch once it has the connection", async () => {
    const { client, clock, sockets } = await start({});
    const { socket, bodies } = await client();
    socket.write(get("/other"));
    await bodies(1);
    clock.advance(60_000);
    expect([sockets[0]?.destroyed, clock.pending()]).toEqual([false, 0]);
  });

  it("leaves nothing behind when it goes", async () => {
    const { client, clock, sockets } = await start({});
    const { socket } = await client();
    await expect.poll(() => sockets.length).toBe(1);
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    socket.resetAndDestroy();
    await closed;
    clock.advance(LOOK_MS);
    expect(clock.pending()).toBe(0);
  });
});

describe("a server that closes", () => {
  test("its idle connections, whoever reads them, keeps those with an answer on the way", async () => {
    const { client, server, exchanges, answerNothing } = await start({});
    const [unused, between, nodes, answering] = [
      await client(),
      await client(),
      await client(),
      await client(),
    ];
    between.socket.write(get("/simple/1"));
    nodes.socket.write(get("/other"));
    await Promise.all([between.bodies(1), nodes.bodies(1)]);
    answerNothing();
    answering.socket.write(get("/simple/2"));
    await expect.poll(() => exchanges.length).toBe(2);
    server.closeIdleConnections();
    await Promise.all([unused, between, nodes].map(({ ended }) => ended));
    for (const { answer } of exchanges.slice(1)) sayWith(answer, "whole");
    expect(await answering.bodies(1)).toEqual(["whole"]);
  });

  test("all its connections closes these too", async () => {
    const { client, server, exchanges, answerNothing } = await start({});
    answerNothing();
    const { socket, ended } = await client();
    socket.write(get("/simple"));
    await expect.poll(() => exchanges.length).toBe(1);
    server.closeAllConnections();
    await ended;
  });
});
