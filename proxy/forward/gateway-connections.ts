// Kept-alive connections to endpoints, for plain HTTP: one exchange at a time on each, so that none waits behind
// another's stream. How many there are is bounded by what the door admits. A request is written once, to a connection
// found open.
import { addressOf, type Endpoint, type RoutingTable } from "../../config/routes.ts";
import type { Clock } from "../../core/clock.ts";
import { SwapList } from "../swap-list.ts";
import { type Fate, GatewayConnection } from "./gateway-connection.ts";

export type GatewayConnections = {
  of(endpoint: Endpoint): EndpointConnections;
  /** Cuts all. */
  close(): void;
};

export type EndpointConnections = {
  /** One that is idle, or a new one. To be given back when its exchange is over, whatever came of it. */
  take(): GatewayConnection;
  give(connection: GatewayConnection, fate: Fate): void;
};

/** Of one endpoint: what is more than that when a burst is over is closed. */
const MAX_IDLE = 256;
const LOOK_EVERY_MS = 1_000;

/** @param deps.table connections to endpoints that it no longer names are closed when it is next looked at */
export function createGatewayConnections(deps: {
  table: () => RoutingTable;
  clock: Clock;
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
      const connections = connectionsTo(endpoint, deps.clock);
      byAddress.set(address, connections);
      return connections;
    },
    close() {
      for (const connections of byAddress.values()) connections.destroy();
    },
  };
}

function connectionsTo(endpoint: Endpoint, clock: Clock) {
  const all = new SwapList<GatewayConnection>();
  // The last one given back is taken first: the others grow old.
  const idle: GatewayConnection[] = [];
  let maxIdle = MAX_IDLE;
  let looking = false;

  function isOld({ idleSince, keptMs }: GatewayConnection): boolean {
    return clock.monotonic() - idleSince >= keptMs;
  }

  function lookAgain() {
    looking = idle.length > 0;
    if (looking) clock.after(LOOK_EVERY_MS, closeOld);
  }

  function closeOld() {
    for (const connection of idle.filter(isOld)) {
      notIdle(connection);
      connection.release("abandoned");
    }
    lookAgain();
  }

  function notIdle(connection: GatewayConnection) {
    const place = idle.indexOf(connection);
    if (place !== -1) idle.splice(place, 1);
  }

  function closed(connection: GatewayConnection) {
    all.remove(connection);
    notIdle(connection);
  }

  return {
    take(): GatewayConnection {
      for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
        if (kept.isFree && !isOld(kept)) return kept;
        kept.release("abandoned");
      }
      const connection = new GatewayConnection(endpoint, closed);
      all.add(connection);
      return connection;
    },
    give(connection: GatewayConnection, fate: Fate) {
      connection.release(idle.length < maxIdle ? fate : "abandoned");
      if (!connection.isFree) return;
      connection.idleSince = clock.monotonic();
      idle.push(connection);
      if (!looking) lookAgain();
    },
    /** Closes what is idle now, and the rest as it is given back. */
    retire() {
      maxIdle = 0;
      for (const connection of idle.splice(0)) connection.release("abandoned");
    },
    destroy() {
      for (const connection of all.all()) connection.socket.destroy();
    },
  };
}
