// The thin gateway, put together: files → stages → listen. Believes nothing but the front door's assertions, and lets
// nobody stay whom the front door does not go on confirming.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { GatewayConfig } from "../config/gateway.ts";
import { audienceOf } from "../core/assertion.ts";
import { createAuditLog } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import { drain } from "../core/drain.ts";
import { lockFolder } from "../core/folder-lock.ts";
import type { Log } from "../core/log.ts";
import { openCertificate } from "../core/served-certificate.ts";
import { createAdmission } from "./admit/admission.ts";
import { createEndedAccess } from "./admit/ended-access.ts";
import { openKeyRing } from "./admit/key-ring.ts";
import { watchKeySetFile } from "./admit/key-set-file.ts";
import { createListener } from "./admit/listener.ts";
import { createReplayMemory } from "./admit/replay-memory.ts";
import { agentOf, profilesOf } from "./agents/configured-agents.ts";
import { createControlChannels } from "./control/control-channels.ts";
import { openEndpointKey } from "./control/endpoint-key.ts";
import { type Bound, listen } from "./listen.ts";
import { createConnection } from "./protocol/connection.ts";
import { createLiveConnections } from "./protocol/live-connections.ts";
import { sessionKeyOf } from "./session/session-key.ts";
import { openSessionStore } from "./session/session-store.ts";
import { summaryOf } from "./session/session-summary.ts";
import { createLanes } from "./turn/lanes.ts";
import { createTurns } from "./turn/turns.ts";

export type GatewayDeps = { readonly clock: Clock; readonly log: Log; readonly version: string };

export type RunningGateway = Bound & {
  /** False while there is no key set: then everybody is refused. */
  readonly ready: () => boolean;
  /**
   * Takes no new turn, closes every connection with 1012 over `drain`, ends what turns are left then and keeps what
   * was said.
   */
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
  const ownCertificate = openCertificate(gateway.tls, "gateway.tls");
  const startedAt = clock.now();
  const startedMonotonic = clock.monotonic();
  let closing: Promise<void> | undefined;
  const stopping = () => closing !== undefined;

  const endpointKey = await openEndpointKey(data);
  const audit = createAuditLog({
    path: join(data, "audit.jsonl"),
    onFailure: config.audit.onFailure,
    gatherMs: 0,
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
  const store = await openSessionStore({
    folder: join(data, "sessions"),
    newId,
    log,
    onChange: (identity, session) =>
      connections.publish(identity.userId, {
        event: "sessions.changed",
        payload: {
          sessionKey: sessionKeyOf(identity),
          agentId: identity.agentId,
          session: session === undefined ? null : summaryOf(session),
        },
      }),
  });
  const profiles = profilesOf(agents);
  const turns = createTurns({
    agent: agentOf(config, deps),
    store,
    lanes: createLanes(agents.defaults),
    publish: (owner, payload) => connections.publish(owner, { event: "chat", payload }),
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
    onNewcomer: () => control.newcomer(),
    onDirectEnd: (jti) => control.directEnded(jti),
    clock,
    audit,
  });
  const endedAccess = createEndedAccess(clock);
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
    endedAccess,
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
    certificate: ownCertificate?.first,
    admission: createAdmission({
      gateway: id,
      endpoint,
      issuer: gateway.auth.issuer,
      agents: new Set(profiles.keys()),
      concurrentConnections: gateway.concurrentConnections,
      keyRing,
      replayMemory: createReplayMemory(gateway.replayMemory),
      endedAccess,
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

  const certificate = ownCertificate?.serve(server, deps);

  /** Whose answer is being written stays until it is complete, or the time is over. */
  function withoutTurn() {
    return connections.list().filter(({ caller }) => !turns.isBusy(caller.userId));
  }

  async function shutDown() {
    turns.takeNoMore();
    control.draining();
    await drain({
      withinMs: config.drain,
      clock,
      random: Math.random,
      open: () => withoutTurn().length,
      end(count, comeBackInSeconds) {
        for (const connection of withoutTurn().slice(0, count))
          connection.close(1012, restarting(comeBackInSeconds()));
      },
      busy: () => connections.count() > 0 || turns.activeSessions() > 0,
    });
    keySetFile?.close();
    certificate?.stop();
    await turns.close();
    await store.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await connections.closeAll(1012, restarting(1));
    await control.close();
    // Nobody brings another one now; the next process must not find the folder being written to.
    await keyRing.idle();
    server.closeAllConnections();
    await closed;
    await audit.close();
    await unlock();
  }

  try {
    const bound = await listen(server, config, log);
    const { fingerprint } = ownCertificate?.first ?? {};
    const facts = { endpoint: `${id}/${endpoint}`, agents: [...profiles.keys()], fingerprint };
    log.info({ url: bound.url, ...facts }, "the gateway listens");
    return {
      ...bound,
      ready,
      close() {
        closing ??= shutDown();
        return closing;
      },
    };
  } catch (error) {
    keySetFile?.close();
    certificate?.stop();
    await audit.close();
    throw error;
  }
}

function restarting(seconds: number): string {
  return `the gateway is restarting, come back in ${seconds} s`;
}
