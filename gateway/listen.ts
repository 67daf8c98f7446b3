// Listening. A place that cannot be listened on is the operator's mistake, and named.
import type { Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { GatewayConfig } from "../config/gateway.ts";
import { ConfigError } from "../core/config-error.ts";
import type { Log } from "../core/log.ts";

export type Bound = {
  /** `http://<address>:<port>`, https with TLS, as the front door's routes.json5 would name it. */
  readonly url: string;
  readonly address: string;
  readonly port: number;
};

export function listen(server: Server, { gateway }: GatewayConfig, log: Log): Promise<Bound> {
  const host = gateway.bind === "loopback" ? "127.0.0.1" : gateway.bind;
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const source = `gateway ${gateway.id}/${gateway.endpoint}`;
      const path = error.code === "EADDRINUSE" ? "gateway.port" : "gateway.bind";
      const found = `${host}:${gateway.port}, which cannot be listened on (${error.code ?? error.message})`;
      const expected = "a free port and an address of this machine; change gateway.port or gateway.bind";
      reject(new ConfigError([{ source, path, found, expected }]));
    };
    server.once("error", failed);
    server.listen(gateway.port, host, () => {
      server.off("error", failed);
      // Files have run out, for example: nothing that ends the process.
      server.on("error", (error) => log.error({ err: error }, "a connection could not be accepted"));
      const { address, port } = server.address() as AddressInfo;
      const scheme = gateway.tls === undefined ? "http" : "https";
      resolve({ url: `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`, address, port });
    });
  });
}
