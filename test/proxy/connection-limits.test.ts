// Limits for TCP connections, over real sockets: whoever holds one need not have said a word.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, BlockList, connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Denial } from "../../core/denial.ts";
import { createLog } from "../../core/log.ts";
import { type ConnectionRules, limitConnections, REFUSE_WITHIN_MS } from "../../proxy/connection-limits.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

type Fixture = {
  readonly clock: ManualClock;
  readonly logged: readonly Record<string, unknown>[];
  /** From an address of loopback; resolves when the server has accepted it. */
  open(from?: string): Promise<Socket>;
  /** Sends a request: what the server would refuse it with, or null when it serves it. */
  ask(socket: Socket): Promise<Denial | null>;
};

async function start(rules: Partial<ConnectionRules>): Promise<Fixture> {
  const clock = createManualClock(0);
  const logged: Record<string, unknown>[] = [];
  const log = createLog("test", "debug", { write: (line) => void logged.push(JSON.parse(line)) });
  const server: Server = createServer((incoming, response) => {
    response.end(JSON.stringify(refusalOf(incoming.socket) ?? null));
  });
  const limits = { connections: 1_000, connectionsPerAddress: 1_000, trustedProxies: undefined, ...rules };
  const refusalOf = limitConnections(server, limits, { clock, log });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    clock,
    logged,
    async open(from = "127.0.0.1") {
      const accepted = Promise.race([once(server, "connection"), once(server, "drop")]);
      const socket = connect({ port, host: "127.0.0.1", localAddress: from });
      socket.on("error", () => {});
      sockets.push(socket);
      await accepted;
      return socket;
    },
    async ask(socket) {
      socket.write("GET / HTTP/1.1\r\nHost: door\r\n\r\n");
      const [answer] = (await once(socket, "data")) as [Buffer];
      return JSON.parse(answer.toString().split("\r\n\r\n")[1] ?? "");
    },
  };
}

const full = (limit: string): Denial => ({ code: "overloaded", what: `limits.${limit}` });

async function gone(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, "close");
}

describe("connections in all", () => {
  it("are served up to the limit, told so past it, and cut past the reserve", async () => {
    const { open, ask } = await start({ connections: 8 });
    const served: Socket[] = [];
    for (let index = 0; index < 8; index += 1) served.push(await open());
    const refused = await open();
    expect([await ask(served[7] as Socket), await ask(refused)]).toEqual([null, full("connections")]);
    await gone(await open());
    expect(await ask(served[0] as Socket)).toBeNull();
  });

  it("make room as they end", async () => {
    const { open, ask, logged } = await start({ connections: 1 });
    const first = await open();
    const refused = await open();
    refused.end();
    await gone(refused);
    first.end();
    await gone(first);
    const next = await open();
    expect(await ask(next)).toBeNull();
    expect(logged).toEqual([
      expect.objectContaining({
        level: "warn",
        connections: 1,
        msg: "limits.connections is reached: more are answered 503",
      }),
    ]);
  });

  it("past the limit that say nothing are cut, those within it are not", async () => {
    const { open, ask, clock } = await start({ connections: 1 });
    const [served, refused] = [await open(), await open()];
    clock.advance(REFUSE_WITHIN_MS - 1);
    expect(await ask(refused)).toEqual(full("connections"));
    clock.advance(1);
    await gone(refused);
    expect([await ask(served), clock.pending()]).toEqual([null, 0]);
  });
});

describe("connections from one address", () => {
  it("are limited apart from others, and none of them fills the reserve of all", async () => {
    const { open, ask } = await start({ connectionsPerAddress: 1, connections: 1_000 });
    const first = await open();
    const refused: Socket[] = [];
    for (let index = 0; index < 16; index += 1) refused.push(await open());
    expect([await ask(first), await ask(refused[15] as Socket)]).toEqual([
      null,
      full("connectionsPerAddress"),
    ]);
    await gone(await open());
    expect(await ask(await open("127.0.0.2"))).toBeNull();
  });

  it("of a trusted proxy are those of many people", async () => {
    const trustedProxies = new BlockList();
    trustedProxies.addAddress("127.0.0.2", "ipv4");
    const { open, ask } = await start({ connectionsPerAddress: 1, trustedProxies });
    await open("127.0.0.2");
    expect(await ask(await open("127.0.0.2"))).toBeNull();
  });
});
