// Starting and stopping a listener. A place that cannot be listened on is the operator's mistake, and named.
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { FrontDoorConfig } from "../config/front-door.ts";
import { ConfigError } from "../core/config-error.ts";
import type { Log } from "../core/log.ts";
import { NOWHERE, type Placed, SwapList } from "./swap-list.ts";

export type Listener = {
  /** Which `0` leaves to the system. */
  readonly port: number;
  /** Accepts nobody more and lets open exchanges finish for a moment; resolves when every connection is gone. */
  stop(): Promise<void>;
};

/** How long open exchanges may take to finish, and clients to take in their close frame. */
const STOP_WITHIN_MS = 3_000;

export function listen(
  server: Server,
  at: FrontDoorConfig["listen"],
  key: "listen" | "privateListen",
  log: Log,
): Promise<Listener> {
  const stop = stoppable(server);
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const found = `${at.host}:${at.port}, which cannot be listened on (${error.code ?? error.message})`;
      const path = error.code === "EADDRINUSE" ? `${key}.port` : `${key}.host`;
      const expected = `a free port and an address of this machine; change ${key}.port or ${key}.host`;
      reject(new ConfigError([{ source: "front door", path, found, expected }]));
    };
    server.once("error", failed);
    server.listen({ host: at.host, port: at.port, backlog: 4_096 }, () => {
      server.off("error", failed);
      // Files have run out, for example: nothing that ends the process. The kernel's queue is asked again.
      server.on("error", (error) => log.error({ err: error }, "a connection could not be accepted"));
      resolve({ port: (server.address() as AddressInfo).port, stop });
    });
  });
}

/**
 * To be called before the server listens.
 * @returns what stops it, also one that never listened
 */
export function stoppable(server: Server): () => Promise<void> {
  const connections = new SwapList<Placed & { readonly socket: Socket }>();
  server.on("connection", (socket: Socket) => {
    const connection = { socket, placedAt: NOWHERE };
    connections.add(connection);
    socket.once("close", () => connections.remove(connection));
  });
  return () =>
    new Promise((resolve) => {
      // Also what Node no longer counts as HTTP, such as a WebSocket whose client reads nothing.
      const cut = setTimeout(() => {
        for (const { socket } of connections.all()) socket.destroy();
      }, STOP_WITHIN_MS);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      server.closeIdleConnections();
    });
}
