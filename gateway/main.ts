// The thin gateway, put together: files → stages → listen. Believes nothing but the front door's assertions.
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { join } from "node:path";
import type { GatewayConfig } from "../config/gateway.ts";
import { createAuditLog } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import { ConfigError } from "../core/config-error.ts";
import { type AgentId, parseAgentId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { createAcceptedNumber } from "./admit/accepted-number.ts";
import { createAdmission } from "./admit/admission.ts";
import { openKeyRing } from "./admit/key-ring.ts";
import { createListener } from "./admit/listener.ts";
import { createReplayMemory } from "./admit/replay-memory.ts";
import type { Agent, AgentProfile } from "./agents/agent.ts";
import { createClaudeAgent } from "./agents/claude.ts";
import { createDemonstrationAgent } from "./agents/demonstration.ts";
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

/** Starts one gateway process; paths of `config` are taken as they are. Throws {@link ConfigError} if it cannot listen. */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<RunningGateway> {
  const { gateway, agents, data } = config;
  const { clock, log, version } = deps;
  const { id, endpoint } = gateway;
  const newId = randomUUID;
  const startedAt = clock.now();
  const startedMonotonic = clock.monotonic();
  let closing: Promise<void> | undefined;

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
    path: gateway.auth.keySet,
    trustThumbprint: gateway.auth.trust,
    issuer: gateway.auth.issuer,
    acceptedNumber: createAcceptedNumber(join(data, "key-set-number")),
    clock,
    log,
    audit,
  });
  const store = await openSessionStore({ folder: join(data, "sessions"), newId, log });
  const profiles = profilesOf(agents);
  const turns = createTurns({
    agent: agentOf(config, deps),
    store,
    lanes: createLanes(agents.defaults),
    publish: (owner, event) => connections.publish(owner, event),
    clock,
    newId,
    log,
  });
  const connections = createLiveConnections((socket, caller, requestId) =>
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
    }),
  );
  const ready = () => keyRing.keys() !== undefined && audit.accepting && closing === undefined;
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
      audit,
      clock,
      startedAt,
      openConnections: connections.count,
      stopping: () => closing !== undefined,
    }),
    audit,
    health() {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        status: ready() ? "ok" : "not_ready",
        version,
        uptime: Math.floor((clock.monotonic() - startedMonotonic) / 1000),
        memory: { rss, heapUsed },
        sessions: { active: turns.activeSessions(), total: store.total() },
      };
    },
    onConnection: connections.open,
  });

  async function shutDown() {
    keyRing.close();
    await turns.close();
    await store.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await connections.closeAll(1012, "service restart");
    server.closeAllConnections();
    await closed;
    await audit.close();
  }

  try {
    await listen(server, config);
  } catch (error) {
    keyRing.close();
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

function profilesOf({ defaults, entries }: GatewayConfig["agents"]): ReadonlyMap<AgentId, AgentProfile> {
  const profiles = new Map<AgentId, AgentProfile>();
  for (const [key, { name, description, instructions, model }] of Object.entries(entries)) {
    const id = parseAgentId(key);
    if (id === undefined) throw new TypeError(`not an agent id: ${key}`);
    profiles.set(id, { id, name, description, instructions, model: model ?? defaults.model });
  }
  return profiles;
}

function agentOf({ gateway, agents, anthropic }: GatewayConfig, { clock, log }: GatewayDeps): Agent {
  if (anthropic.apiKey === undefined)
    return createDemonstrationAgent({ gateway: gateway.id, endpoint: gateway.endpoint, clock });
  return createClaudeAgent({
    apiKey: anthropic.apiKey,
    baseUrl: anthropic.baseUrl,
    timeoutMs: anthropic.timeout,
    maxOutputTokens: agents.defaults.maxOutputTokens,
    clock,
    log,
  });
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
