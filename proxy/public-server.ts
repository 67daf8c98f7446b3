// The public listener's server with what it needs from this machine: its certificate, and the files that it may open.
import type { Server } from "node:http";
import type { BlockList } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Clock } from "../core/clock.ts";
import { ConfigError } from "../core/config-error.ts";
import type { Log } from "../core/log.ts";
import { type ServedCertificate, serveCertificate } from "../core/served-certificate.ts";
import { readCertificate, type TlsCertificate } from "../core/tls-certificate.ts";
import type { App } from "./app.ts";
import { createHttpServer } from "./http-server.ts";
import { affordableConnections, maxOpenFiles } from "./open-files.ts";

export type PublicServer = {
  readonly server: Server;
  /** Undefined without TLS. */
  readonly certificate: ServedCertificate | undefined;
};

export type PublicServerDeps = {
  readonly trustedProxies: BlockList | undefined;
  readonly clock: Clock;
  readonly log: Log;
};

/** @throws ConfigError when the files cannot be used: to be called before anything is opened */
export function certificateOf({ tls }: Pick<FrontDoorConfig, "tls">): TlsCertificate | undefined {
  if (tls === undefined) return undefined;
  const read = readCertificate(tls, "tls");
  if (!read.ok) throw new ConfigError([read.error]);
  return read.value;
}

/** @param first as {@link certificateOf} gave it */
export function createPublicServer(
  app: App,
  first: TlsCertificate | undefined,
  config: Pick<FrontDoorConfig, "tls" | "limits">,
  { trustedProxies, clock, log }: PublicServerDeps,
): PublicServer {
  const connections = affordableConnections(config.limits.connections, maxOpenFiles(), log);
  const limits = { ...config.limits, connections, trustedProxies };
  const server = createHttpServer(app, { limits, certificate: first, clock, log });
  const { tls: files } = config;
  if (first === undefined || files === undefined) return { server, certificate: undefined };
  const deps = { files, key: "tls", clock, log };
  return { server, certificate: serveCertificate(server as Server & TlsServer, first, deps) };
}
