// One exchange between a real client and a connection to the gateway that is in the test's hand, for what happens
// within one tick.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { Fate } from "../../../proxy/forward/gateway-connection.ts";
import { HttpExchange } from "../../../proxy/forward/http-exchange.ts";
import { createSilenceWatch } from "../../../proxy/silence-watch.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { head, rawConnect } from "../../support/raw-client.ts";
import { parsedRequest } from "../request-fixture.ts";
import { healthOf, upstreamOf } from "../upstream-fixture.ts";
import { collect } from "./socket-pair.ts";

async function startExchange() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const requested = once(server, "request") as Promise<[IncomingMessage, ServerResponse]>;
  const client = await rawConnect(port, head("GET / HTTP/1.1", "Host: door"));
  const [incoming, response] = await requested;
  const given: [unknown, Fate][] = [];
  const connection = { begin() {}, socket: { write: () => true } };
  const clock = createManualClock(0);
  const pool = {
    take: () => connection as never,
    give: (one: unknown, fate: Fate) => void given.push([one, fate]),
  };
  const exchange = new HttpExchange(
    {
      connections: { of: () => pool, close() {} },
      silence: createSilenceWatch(clock),
      health: healthOf("up"),
      clock,
      limits: { requestBodyBytes: 1, connectTimeoutMs: 1, answerTimeoutMs: 1, idleTimeoutMs: 1 },
    },
    {
      request: parsedRequest(),
      upstream: await upstreamOf(),
      client: { answer: response, body: { incoming, invite() {} } },
      settle() {},
    },
  );
  exchange.start("", false);
  return { exchange, response, arrived: collect(client), given, connection, clock };
}

it("lets the gateway go in the tick in which access ends: nothing more of the answer is taken", async () => {
  const { exchange, response, given, connection } = await startExchange();
  exchange.onConnected();
  exchange.onHead(200, []);
  exchange.onBody(Buffer.from("first"));
  exchange.end({ code: "session_ended", how: "ended" });
  expect([given, response.destroyed]).toEqual([[[connection, "abandoned"]], true]);
});

it("writes an answer that comes whole as one, and gives the connection back once", async () => {
  const { exchange, arrived, given, connection } = await startExchange();
  exchange.onConnected();
  exchange.onHead(200, ["content-length", "2"]);
  exchange.onBody(Buffer.from("ok"));
  exchange.onEnd([]);
  exchange.onAnswerFault("bytes behind an answer");
  expect((await arrived.atLeast(1)).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
  expect(given).toEqual([[connection, "over"]]);
});

it("gives back a connection to which nothing was written as one that nobody has used", async () => {
  const { exchange, given, connection } = await startExchange();
  exchange.end({ code: "session_ended", how: "ended" });
  exchange.onConnected();
  expect(given).toEqual([[connection, "unused"]]);
});

it("tries no connection again that did not come about in time", async () => {
  const { given, connection, clock } = await startExchange();
  clock.advance(2_000);
  expect(given).toEqual([[connection, "abandoned"]]);
});

it.each([0, 255])("passes on what is no text as it is, byte by byte (%i)", async (first) => {
  const { exchange, arrived } = await startExchange();
  const bytes = Buffer.from([first, ...Array.from({ length: 256 }, (_, byte) => byte)]);
  exchange.onConnected();
  exchange.onHead(200, ["content-length", "257"]);
  exchange.onBody(bytes);
  exchange.onEnd([]);
  await arrived.atLeast(257);
  expect(arrived.bytes().subarray(-257)).toEqual(bytes);
});
