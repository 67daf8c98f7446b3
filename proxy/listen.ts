// Starting and stopping a listener. A place that cannot be listened on is the operator's mistake, and named.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FrontDoorConfig } from "../config/front-door.ts";
import { ConfigError } from "../core/config-error.ts";

/** @returns the port, which `0` leaves to the system */
export function listen(
  server: Server,
  at: FrontDoorConfig["listen"],
  key: "listen" | "privateListen",
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const found = `${at.host}:${at.port}, which cannot be listened on (${error.code ?? error.message})`;
      const path = error.code === "EADDRINUSE" ? `${key}.port` : `${key}.host`;
      const expected = `a free port and an address of this machine; change ${key}.port or ${key}.host`;
      reject(new ConfigError([{ source: "front door", path, found, expected }]));
    });
    server.listen({ host: at.host, port: at.port, backlog: 4_096 }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

/** How long open exchanges may take to finish. */
const STOP_WITHIN_MS = 3_000;

export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
