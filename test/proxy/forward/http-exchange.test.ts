// One exchange between a real client and a connection to the gateway that is in the test's hand, for what happens
// within one tick.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { HttpExchange } from "../../../proxy/forward/http-exchange.ts";
import { createSilenceWatch } from "../../../proxy/forward/silence-watch.ts";
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
  const given: unknown[] = [];
  const clientOfGateway = { dispatch: () => true };
  const clock = createManualClock(0);
  const pool = { take: () => clientOfGateway as never, give: (one: unknown) => void given.push(one) };
  const exchange = new HttpExchange(
    {
      connections: { of: () => pool, close: async () => {} },
      silence: createSilenceWatch(clock),
      health: healthOf("up"),
      clock,
      limits: { requestBodyBytes: 1, answerTimeoutMs: 1, idleTimeoutMs: 1 },
    },
    { request: parsedRequest(), upstream: await upstreamOf(), incoming, response, settle() {} },
  );
  exchange.start([], null);
  return { exchange, response, arrived: collect(client), given, clientOfGateway };
}

it("lets the gateway go in the tick in which access ends: nothing more of the answer is taken", async () => {
  const { exchange, response } = await startExchange();
  let aborted = 0;
  exchange.onConnect(() => {
    aborted += 1;
  });
  exchange.onHeaders(200, [], () => {});
  exchange.onData(Buffer.from("first"));
  exchange.end({ code: "session_ended", how: "ended" });
  expect([aborted, response.destroyed]).toEqual([1, true]);
});

it("writes an answer that comes whole as one, and gives the connection back once", async () => {
  const { exchange, arrived, given, clientOfGateway } = await startExchange();
  exchange.onConnect(() => {});
  exchange.onHeaders(200, [Buffer.from("Content-Length"), Buffer.from("2")], () => {});
  exchange.onData(Buffer.from("ok"));
  exchange.onComplete([]);
  exchange.onError(new Error("what undici finds wrong behind the end"));
  expect((await arrived.atLeast(1)).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
  expect(given).toEqual([clientOfGateway]);
});
