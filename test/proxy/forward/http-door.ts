// A server that forwards each request to one gateway, and answers a denial with its code: the forwarding stage alone,
// between a client and a gateway that are bytes.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { RoutingTable } from "../../../config/routes.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import type { Denial } from "../../../core/denial.ts";
import type { Result } from "../../../core/result.ts";
import type { SignedRequest } from "../../../proxy/assert/assert.ts";
import { AccessWatch } from "../../../proxy/forward/access-watch.ts";
import { createHttpForwarder } from "../../../proxy/forward/forward-http.ts";
import { createGatewayConnections } from "../../../proxy/forward/gateway-connections.ts";
import { outgoingOf } from "../headers-fixture.ts";
import { tableOf } from "../policy-fixture.ts";
import { parsedRequest } from "../request-fixture.ts";
import { healthOf, upstreamOf } from "../upstream-fixture.ts";

const SIGNED = {
  headers: outgoingOf(["host", "gateway.example", "x-user-id", "u_alice"]),
} as unknown as SignedRequest;

export const BODY_LIMIT = 10;
export const CONNECT_TIMEOUT_MS = 5_000;
export const ANSWER_TIMEOUT_MS = 30_000;
export const IDLE_TIMEOUT_MS = 60_000;

export type HttpDoor = {
  readonly port: number;
  /** What came of the requests, in order. */
  outcome(index?: number): Promise<Result<void, Denial>>;
  /** The door's own side of the newest request. */
  response(): ServerResponse;
  readonly access: AccessWatch;
  readonly health: ReturnType<typeof healthOf>;
  /** The gateways are these from now on. */
  reroute(table: RoutingTable): void;
};

type Options = {
  readonly access?: AccessWatch;
  readonly clock?: Clock;
  readonly bodyLimit?: number;
  /** What the stages before do with a request, while it waits. */
  readonly admit?: (response: ServerResponse) => Promise<unknown>;
  /** Called with the number of the request, from 0, in the tick in which it is forwarded. */
  readonly onForwarded?: (index: number) => void;
};

export async function startDoor(gatewayUrl: string, options: Options = {}): Promise<HttpDoor> {
  const { access = new AccessWatch(), clock = systemClock, bodyLimit = BODY_LIMIT } = options;
  const health = healthOf("up");
  let table = tableOf({ gateways: { cloud: { endpoints: { "cloud-1": gatewayUrl } } }, routes: [] });
  const connections = createGatewayConnections({ table: () => table, clock });
  const limits = {
    requestBodyBytes: bodyLimit,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
  };
  const forward = createHttpForwarder({ connections, health, clock, limits });
  const upstream = await upstreamOf(gatewayUrl);
  const outcomes: PromiseWithResolvers[] = [];
  const outcomeAt = (index: number) => {
    while (outcomes.length <= index) outcomes.push(withResolvers());
    return outcomes[index] ?? withResolvers();
  };
  let requests = 0;
  let newest: ServerResponse | undefined;

  const onRequest = async (incoming: IncomingMessage, response: ServerResponse) => {
    const index = requests;
    requests += 1;
    newest = response;
    if (options.admit !== undefined) await options.admit(response);
    const request = parsedRequest({
      method: incoming.method ?? "",
      path: "/agents/coder/x",
      query: "?a=1",
      headers: new Map(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    });
    const forwarding = forward(
      request,
      SIGNED,
      upstream,
      { answer: response, body: { incoming, invite: () => response.writeContinue() } },
      access,
    );
    options.onForwarded?.(index);
    const done = await forwarding;
    if (!done.ok) response.writeHead(500, { connection: "close" }).end(done.error.code);
    outcomeAt(index).resolve(done);
  };
  const server = createServer(onRequest);
  server.on("checkContinue", onRequest);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    connections.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    outcome: (index = 0) => outcomeAt(index).promise,
    response() {
      if (newest === undefined) throw new Error("no request yet");
      return newest;
    },
    access,
    health,
    reroute(next) {
      table = next;
    },
  };
}

type PromiseWithResolvers = {
  readonly promise: Promise<Result<void, Denial>>;
  readonly resolve: (outcome: Result<void, Denial>) => void;
};

function withResolvers(): PromiseWithResolvers {
  let resolve = (_outcome: Result<void, Denial>) => {};
  const promise = new Promise<Result<void, Denial>>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
