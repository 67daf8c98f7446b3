// The thin gateway, put together: files → stages → listen. Believes nothing but the front door's assertions, and lets
// nobody stay whom the front door does not go on confirming.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { join } from "node:path";
import type { GatewayConfig } from "../config/gateway.ts";
import { audienceOf } from "../core/assertion.ts";
import { createAuditLog } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import { ConfigError } from "../core/config-error.ts";
import { lockFolder } from "../core/folder-lock.ts";
import type { Log } from "../core/log.ts";
import { createAdmission } from "./admit/admission.ts";
import { createEndedSessions } from "./admit/ended-sessions.ts";
import { openKeyRing } from "./admit/key-ring.ts";
import { watchKeySetFile } from "./admit/key-set-file.ts";
import { createListener } from "./admit/listener.ts";
import { createReplayMemory } from "./admit/replay-memory.ts";
import { agentOf, profilesOf } from "./agents/configured-agents.ts";
import { createControlChannels } from "./control/control-channels.ts";
import { openEndpointKey } from "./control/endpoint-key.ts";
import { createConnection } from "./protocol/connection.ts";
import { createLiveConnections } from "./protocol/live-connections.ts";
import { openSessionStore } from "./session/session-store.ts";
import { createLanes } from "./turn/lanes.ts";
import { createTurns } from "./turn/turns.ts";

export type GatewayDeps = { readonly clock: Clock; readonly log: Log; readonly version: string };

export type RunningGateway = {
  /** `http://<address>:<port>`, as the front door's routes.json5 would name it. */
  readonly url: string;
  readonly address: string;
  readonly port: number;
  /** False while there is no key set: then everybody is refused. */
  readonly ready: () => boolean;
  /** Ends turns and keeps what was said, closes every connection with 1012, then resolves. */
  close(): Promise<void>;
};

/** What is announced as `policy.maxBufferedBytes`: a client that leaves more unread is closed with 1013. */
const MAX_BUFFERED_BYTES = 50 * 1024 * 1024;

/**
 * Starts one gateway process; paths of `config` are taken as they are. Throws {@link ConfigError} if it cannot listen,
 * or if another process has its data folder.
 */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<RunningGateway> {
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  // Before anything is read: two processes would write over each other's keys and histories.
  const unlock = await lockFolder(config.data);
  try {
    return await startLocked(config, deps, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function startLocked(
  config: GatewayConfig,
  deps: GatewayDeps,
  unlock: () => Promise<void>,
): Promise<RunningGateway> {
  const { gateway, agents, data } = config;
  const { clock, log, version } = deps;
  const { id, endpoint } = gateway;
  const newId = randomUUID;
  const startedAt = clock.now();
  const startedMonotonic = clock.monotonic();
  let closing: Promise<void> | undefined;
  const stopping = () => closing !== undefined;

  const endpointKey = await openEndpointKey(data);
  const audit = createAuditLog({
    path: join(data, "audit.jsonl"),
    onFailure: config.audit.onFailure,
    clock,
    onStateChange: (error) =>
      error === undefined
        ? log.info("the audit log is written again")
        : log.error({ err: error }, "the audit log cannot be written"),
  });
  const keyRing = await openKeyRing({
    folder: data,
    trustThumbprint: gateway.auth.trust,
    issuer: gateway.auth.issuer,
    log,
    audit,
  });
  const { keySet } = gateway.auth;
  const keySetFile =
    keySet === undefined ? undefined : await watchKeySetFile({ path: keySet, keyRing, clock, log });
  const store = await openSessionStore({ folder: join(data, "sessions"), newId, log });
  const profiles = profilesOf(agents);
  const turns = createTurns({
    agent: agentOf(config, deps),
    store,
    lanes: createLanes(agents.defaults),
    publish: (owner, event) => connections.publish(owner, event),
    onRun: (owner, agent) => control.turnStarted(owner, agent),
    clock,
    newId,
    log,
  });
  const connections = createLiveConnections({
    connect: (socket, caller, requestId, onEnd) =>
      createConnection(socket, caller, requestId, {
        methods: { gateway: id, endpoint, version, profiles, store, turns, now: clock.now },
        policy: {
          maxPayload: gateway.maxMessageSize,
          maxBufferedBytes: MAX_BUFFERED_BYTES,
          tickIntervalMs: gateway.heartbeat.interval,
        },
        heartbeatTimeoutMs: gateway.heartbeat.timeout,
        clock,
        newId,
        log,
        onEnd,
      }),
    gateway: id,
    endpoint,
    leaseMs: () => control.leaseMs(),
    onNewSession: () => control.newSession(),
    clock,
    audit,
  });
  const endedSessions = createEndedSessions(clock);
  const control = createControlChannels({
    gateway: id,
    endpoint,
    audience: audienceOf(id, endpoint),
    issuer: gateway.auth.issuer,
    trustThumbprint: gateway.auth.trust,
    endpointKey,
    bootId: newId(),
    newNonce: () => randomBytes(32).toString("base64url"),
    defaultLeaseMs: gateway.lease,
    connections,
    endedSessions,
    keyRing,
    stopping,
    clock,
    log,
    audit,
  });
  const ready = () => keyRing.keys() !== undefined && audit.accepting && !stopping();
  const server = createListener({
    gateway: id,
    endpoint,
    maxMessageSize: gateway.maxMessageSize,
    concurrentConnections: gateway.concurrentConnections,
    admission: createAdmission({
      gateway: id,
      endpoint,
      issuer: gateway.auth.issuer,
      agents: new Set(profiles.keys()),
      concurrentConnections: gateway.concurrentConnections,
      keyRing,
      replayMemory: createReplayMemory(gateway.replayMemory),
      endedSessions,
      audit,
      clock,
      startedAt,
      openConnections: connections.count,
      stopping,
    }),
    audit,
    health() {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        status: ready() ? "ok" : "not_ready",
        control: control.state(),
        version,
        uptime: Math.floor((clock.monotonic() - startedMonotonic) / 1000),
        memory: { rss, heapUsed },
        sessions: { active: turns.activeSessions(), total: store.total() },
      };
    },
    now: clock.now,
    onControl: control.upgrade,
    onConnection: connections.open,
  });

  async function shutDown() {
    keySetFile?.close();
    await turns.close();
    await store.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await connections.closeAll(1012, "service restart");
    await control.close();
    server.closeAllConnections();
    await closed;
    await audit.close();
    await unlock();
  }

  try {
    await listen(server, config);
  } catch (error) {
    keySetFile?.close();
    await audit.close();
    throw error;
  }
  const { address, port } = server.address() as AddressInfo;
  const url = `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
  log.info({ url, endpoint: `${id}/${endpoint}`, agents: [...profiles.keys()] }, "the gateway listens");
  return {
    url,
    address,
    port,
    ready,
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}

function listen(server: Server, { gateway }: GatewayConfig): Promise<void> {
  const host = gateway.bind === "loopback" ? "127.0.0.1" : gateway.bind;
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new ConfigError([
          {
            source: `gateway ${gateway.id}/${gateway.endpoint}`,
            path: error.code === "EADDRINUSE" ? "gateway.port" : "gateway.bind",
            found: `${host}:${gateway.port}, which cannot be listened on (${error.code ?? error.message})`,
            expected: "a free port and an address of this machine; change gateway.port or gateway.bind",
          },
        ]),
      ),
    );
    server.listen(gateway.port, host, resolve);
  });
}
