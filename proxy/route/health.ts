// Which endpoints answer. Asked every few seconds on their `GET /health`, and told at once by the forwarding
// stage when a connection fails. Decides nothing about who may use them.
import { Client } from "undici";
import { addressOf, type Endpoint, type RoutingTable } from "../../config/routes.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { connectorTo, faultOf, isOwnShortage } from "./connect-endpoint.ts";

export type EndpointState = "up" | "down";

export type Health = {
  /** An endpoint not asked yet counts as up: a request is the quickest way to find out. */
  stateOf(endpoint: Endpoint): EndpointState;
  /** Why it is down, in words for operations; undefined when nobody knows. */
  faultOf(endpoint: Endpoint): string | undefined;
  report(endpoint: Endpoint, state: EndpointState, fault?: string): void;
  close(): Promise<void>;
};

const PROBE_EVERY_MS = 5_000;
const FIRST_PROBE_MS = 1_000;
const PROBE_TIMEOUT_MS = 2_000;

type Known = { readonly state: EndpointState; readonly fault: string | undefined };

export function createHealth(deps: { table: () => RoutingTable; clock: Clock; log: Log }): Health {
  const states = new Map<string, Known>();
  const probes = new Set<Client>();
  let stopped = false;
  let cancelNext = () => {};

  function report(endpoint: Endpoint, state: EndpointState, fault?: string) {
    const address = addressOf(endpoint);
    const before = states.get(address);
    // Whoever only noticed that it is down leaves what is known about why.
    const why = state === "down" ? (fault ?? before?.fault) : undefined;
    if (before?.state === state && before.fault === why) return;
    states.set(address, { state, fault: why });
    if (before === undefined && state === "up") return;
    const line = { endpoint: endpoint.id, url: endpoint.url, ...(why === undefined ? {} : { fault: why }) };
    if (state === "down") deps.log.warn(line, "gateway endpoint is down");
    else deps.log.info(line, "gateway endpoint is up again");
  }

  // Over a connection of its own: what it finds is what the next person's connection would.
  async function probe(endpoint: Endpoint) {
    const client = new Client(endpoint.url, {
      connect: connectorTo(endpoint, PROBE_TIMEOUT_MS),
      headersTimeout: PROBE_TIMEOUT_MS,
      bodyTimeout: PROBE_TIMEOUT_MS,
    });
    probes.add(client);
    try {
      const answer = await client.request({ method: "GET", path: "/health" });
      await answer.body.dump({ limit: 16_384 });
      if (answer.statusCode === 200) report(endpoint, "up");
      else report(endpoint, "down", `status ${answer.statusCode}`);
    } catch (error) {
      // Closing cuts a question short: that says nothing about the endpoint.
      if (!stopped && !isOwnShortage(error)) report(endpoint, "down", faultOf(error));
    }
    probes.delete(client);
    await client.destroy();
  }

  async function round() {
    const endpoints = [...deps.table().gateways.values()].flatMap((gateway) => gateway.endpoints);
    await Promise.all(endpoints.map(probe));
    if (!stopped) cancelNext = deps.clock.after(PROBE_EVERY_MS, () => void round());
  }

  // Not at once: what is started together with the door gets a moment to listen.
  cancelNext = deps.clock.after(FIRST_PROBE_MS, () => void round());
  return {
    stateOf: (endpoint) => states.get(addressOf(endpoint))?.state ?? "up",
    faultOf: (endpoint) => states.get(addressOf(endpoint))?.fault,
    report,
    async close() {
      stopped = true;
      cancelNext();
      await Promise.all([...probes].map((client) => client.destroy()));
    },
  };
}
