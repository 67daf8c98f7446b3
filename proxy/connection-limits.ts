// How many TCP connections there may be, in all and from one address, whoever is behind them. Past a limit lies a small
// reserve, in which a connection is told so in HTTP and closed; past the reserve it is cut. So overload is answered
// before files or memory run out.
import type { Server } from "node:http";
import type { BlockList, Socket } from "node:net";
import type { Limits } from "../config/limits.ts";
import type { Clock } from "../core/clock.ts";
import type { Denial } from "../core/denial.ts";
import type { Log } from "../core/log.ts";
import { addressBucket } from "./request/address-bucket.ts";
import { isTrusted, peerAddress } from "./request/peer-address.ts";
import { createTally } from "./tally.ts";

export type ConnectionRules = Pick<Limits, "connections" | "connectionsPerAddress"> & {
  /** A proxy's connections are those of many people: the limit for one address is not theirs. */
  readonly trustedProxies: BlockList | undefined;
};

/** What every request on this connection is refused with; undefined for one that is served. */
export type RefusalOf = (socket: Socket) => Denial | undefined;

const MAX_RESERVE = 256;
const ADDRESS_RESERVE = 16;
/** For a connection in the reserve, from its first byte to its last. */
export const REFUSE_WITHIN_MS = 2_000;

/** Beside `connections`, such as 12 for 90. */
export function reserveOf(connections: number): number {
  return Math.min(MAX_RESERVE, Math.ceil(connections / 8));
}

export function limitConnections(
  server: Server,
  rules: ConnectionRules,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): RefusalOf {
  const { connections, connectionsPerAddress, trustedProxies } = rules;
  const fromAddress = createTally();
  /** By the other end's address and port: under TLS, requests come on another socket object. */
  const refusals = new Map<string, Denial>();
  let open = 0;
  let saidFull = false;

  function refusalFor(address: string | undefined): "connections" | "connectionsPerAddress" | undefined {
    if (open > connections) return "connections";
    return address !== undefined && fromAddress.of(address) > connectionsPerAddress
      ? "connectionsPerAddress"
      : undefined;
  }

  function refuse(socket: Socket, limit: "connections" | "connectionsPerAddress") {
    const end = otherEnd(socket);
    refusals.set(end, { code: "overloaded", what: `limits.${limit}` });
    const cancelCut = clock.after(REFUSE_WITHIN_MS, () => socket.destroy());
    socket.once("close", () => {
      cancelCut();
      refusals.delete(end);
    });
  }

  function sayFull() {
    if (!saidFull) log.warn({ connections }, "limits.connections is reached: more are answered 503");
    saidFull = true;
  }

  // Past the reserve Node closes a connection as it is accepted.
  server.maxConnections = connections + reserveOf(connections);
  server.on("connection", (socket: Socket) => {
    const peer = peerAddress(socket.remoteAddress, undefined, undefined);
    const isProxy = trustedProxies !== undefined && isTrusted(peer, trustedProxies);
    const address = isProxy ? undefined : addressBucket(peer);
    open += 1;
    if (address !== undefined) fromAddress.add(address);
    socket.once("close", () => {
      open -= 1;
      if (address !== undefined) fromAddress.remove(address);
      if (open < connections) saidFull = false;
    });
    const limit = refusalFor(address);
    if (limit === undefined) return;
    if (limit === "connections") sayFull();
    // One address must not fill the reserve of all.
    const tooMany =
      address !== undefined && fromAddress.of(address) > connectionsPerAddress + ADDRESS_RESERVE;
    if (tooMany) socket.destroy();
    else refuse(socket, limit);
  });
  return (socket) => (refusals.size === 0 ? undefined : refusals.get(otherEnd(socket)));
}

function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
