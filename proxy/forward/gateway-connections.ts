// Kept-alive connections to endpoints, for plain HTTP: one exchange at a time on each, so that none waits behind
// another's stream. How many there are is bounded by what the door admits. A request is written once, to a connection
// found open; undici dials anew for one that the gateway has closed meanwhile, as long as nothing of it is written.
import { Client } from "undici";
import { addressOf, type Endpoint, type RoutingTable } from "../../config/routes.ts";
import { connectorTo } from "../route/connect-endpoint.ts";

export type GatewayConnections = {
  of(endpoint: Endpoint): EndpointConnections;
  /** Cuts all. */
  close(): Promise<void>;
};

export type EndpointConnections = {
  /** One that is idle, or a new one. To be given back when its exchange is over, whatever came of it. */
  take(): Client;
  give(client: Client): void;
};

/** Of one endpoint: what is more than that when a burst is over is closed. */
const MAX_IDLE = 256;
const ANSWER_HEADER_BYTES = 16 * 1024;

/** @param deps.table connections to endpoints that it no longer names are closed when it is next looked at */
export function createGatewayConnections(deps: {
  table: () => RoutingTable;
  connectTimeoutMs: number;
}): GatewayConnections {
  const byAddress = new Map<string, ReturnType<typeof connectionsTo>>();
  let known: RoutingTable | undefined;

  function closeVanished({ gateways }: RoutingTable) {
    const there = new Set([...gateways.values()].flatMap(({ endpoints }) => endpoints.map(addressOf)));
    for (const [address, connections] of byAddress) {
      if (there.has(address)) continue;
      byAddress.delete(address);
      connections.retire();
    }
  }

  return {
    of(endpoint) {
      const table = deps.table();
      if (table !== known) closeVanished(table);
      known = table;
      const address = addressOf(endpoint);
      const existing = byAddress.get(address);
      if (existing !== undefined) return existing;
      const connections = connectionsTo(endpoint, deps.connectTimeoutMs);
      byAddress.set(address, connections);
      return connections;
    },
    async close() {
      await Promise.all([...byAddress.values()].map((connections) => connections.destroy()));
    },
  };
}

function connectionsTo(endpoint: Endpoint, connectTimeoutMs: number) {
  const options = {
    connect: connectorTo(endpoint, connectTimeoutMs),
    pipelining: 1,
    // The exchange itself knows what it waits for (silence-watch.ts).
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: ANSWER_HEADER_BYTES,
  };
  const all = new Set<Client>();
  // The last one given back is taken first: the others grow old, and close by themselves.
  const idle: Client[] = [];
  let maxIdle = MAX_IDLE;

  function drop(client: Client) {
    all.delete(client);
    client.close(() => {});
  }

  return {
    take(): Client {
      const kept = idle.pop();
      if (kept !== undefined) return kept;
      const client = new Client(endpoint.url, options);
      all.add(client);
      return client;
    },
    give(client: Client) {
      if (idle.length < maxIdle) idle.push(client);
      else drop(client);
    },
    /** Closes what is idle now, and the rest as it is given back. */
    retire() {
      maxIdle = 0;
      for (const client of idle.splice(0)) drop(client);
    },
    async destroy() {
      await Promise.all([...all].map((client) => client.destroy()));
    },
  };
}
