import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Exchange, exchangeAll } from "../../bench/load/exchange.ts";

const exchange: Exchange = {
  requests: [Buffer.from("?")],
  reader: () => (chunk) => {
    if (chunk.toString() !== "!") throw new Error("a wrong answer");
    return true;
  },
};

/** Connections with a request that waits. */
let waiting: Socket[];
/** The most of them at a time. */
let most: number;
/** How many requests came over each connection. */
let asked: number[];
let answer: (from: Socket) => void;
let server: Server;
let clients: Socket[];

beforeEach(async () => {
  waiting = [];
  most = 0;
  asked = [];
  answer = (from) => from.write("!");
  server = createServer({ noDelay: true }, (socket) => {
    const index = asked.push(0) - 1;
    socket.on("error", () => {});
    socket.on("data", () => {
      asked[index] = (asked[index] ?? 0) + 1;
      most = Math.max(most, waiting.push(socket));
      setImmediate(() => {
        waiting.splice(waiting.indexOf(socket), 1);
        answer(socket);
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  clients = [];
  for (let index = 0; index < 4; index += 1) {
    const client = connect(port, "127.0.0.1");
    await once(client, "connect");
    client.on("error", () => {});
    clients.push(client);
  }
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

describe("load", () => {
  it("is exactly as much as was asked for, over all connections in turn", async () => {
    await exchangeAll(clients, exchange, { count: 40, atOnce: 4 });
    expect(asked).toEqual([10, 10, 10, 10]);
  });

  it("has no more requests on the way than it may", async () => {
    await exchangeAll(clients, exchange, { count: 40, atOnce: 2 });
    expect({ most, total: asked.reduce((sum, each) => sum + each) }).toEqual({ most: 2, total: 40 });
  });

  it("leaves the connections as they were", async () => {
    const [first] = clients;
    const before = clients.map((client) => client.eventNames().length);
    await exchangeAll(clients, exchange, { count: 4, atOnce: 4 });
    expect(clients.map((client) => client.eventNames().length)).toEqual(before);
    expect(first?.destroyed).toBe(false);
  });

  it("fails at the first wrong answer", async () => {
    answer = (from) => from.write("?");
    await expect(exchangeAll(clients, exchange, { count: 40, atOnce: 4 })).rejects.toThrow("a wrong answer");
  });

  it("fails when a connection ends before its answer", async () => {
    answer = (from) => from.destroy();
    await expect(exchangeAll(clients, exchange, { count: 40, atOnce: 1 })).rejects.toThrow(
      "a connection ended after 0 of 40 answers",
    );
  });
});
