// Which endpoints answer. Asked every few seconds on their `GET /health`, and told at once by the forwarding
// stage when a connection fails. Decides nothing about who may use them.
import { Agent, request } from "undici";
import type { Endpoint, RoutingTable } from "../../config/routes.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";

export type EndpointState = "up" | "down";

export type Health = {
  /** An endpoint not asked yet counts as up: a request is the quickest way to find out. */
  stateOf(endpoint: Endpoint): EndpointState;
  report(endpoint: Endpoint, state: EndpointState): void;
  close(): Promise<void>;
};

const PROBE_EVERY_MS = 5_000;
const FIRST_PROBE_MS = 1_000;
const PROBE_TIMEOUT_MS = 2_000;

export function createHealth(deps: { table: () => RoutingTable; clock: Clock; log: Log }): Health {
  const states = new Map<string, EndpointState>();
  const agent = new Agent({ connections: 1, connect: { timeout: PROBE_TIMEOUT_MS } });
  let stopped = false;
  let cancelNext = () => {};

  function report(endpoint: Endpoint, state: EndpointState) {
    const before = states.get(endpoint.url);
    states.set(endpoint.url, state);
    if (before === state || (before === undefined && state === "up")) return;
    const line = { endpoint: endpoint.id, url: endpoint.url };
    if (state === "down") deps.log.warn(line, "gateway endpoint is down");
    else deps.log.info(line, "gateway endpoint is up again");
  }

  async function probe(endpoint: Endpoint) {
    try {
      const answer = await request(`${endpoint.url}/health`, {
        dispatcher: agent,
        headersTimeout: PROBE_TIMEOUT_MS,
        bodyTimeout: PROBE_TIMEOUT_MS,
      });
      await answer.body.dump({ limit: 16_384 });
      report(endpoint, answer.statusCode === 200 ? "up" : "down");
    } catch {
      // Closing cuts a question short: that says nothing about the endpoint.
      if (!stopped) report(endpoint, "down");
    }
  }

  async function round() {
    const endpoints = [...deps.table().gateways.values()].flatMap((gateway) => gateway.endpoints);
    await Promise.all(endpoints.map(probe));
    if (!stopped) cancelNext = deps.clock.after(PROBE_EVERY_MS, () => void round());
  }

  // Not at once: what is started together with the door gets a moment to listen.
  cancelNext = deps.clock.after(FIRST_PROBE_MS, () => void round());
  return {
    stateOf: (endpoint) => states.get(endpoint.url) ?? "up",
    report,
    async close() {
      stopped = true;
      cancelNext();
      await agent.destroy();
    },
  };
}
