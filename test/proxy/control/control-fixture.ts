// A door's control channels on a clock that stands still, and gateways by hand that answer them over real sockets.
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { onTestFinished } from "vitest";
import type { Endpoint, RoutingTable } from "../../../config/routes.ts";
import { type AuditEvent, auditEvent } from "../../../core/audit.ts";
import type { Clock } from "../../../core/clock.ts";
import { type EndpointId, type GatewayId, parseEndpointId, parseGatewayId } from "../../../core/ids.ts";
import { createLog } from "../../../core/log.ts";
import { type ControlChannelDeps, createControlChannels } from "../../../proxy/control/control-channels.ts";
import type { Place } from "../../../proxy/control/place.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { type ScriptedGateway, startScriptedGateway } from "./scripted-gateway.ts";

export const START = Date.UTC(2026, 10, 2, 9, 0, 0);
export const LEASE_MS = 60_000;
export const ISSUER = "gatehouse";

/** The wait before a first redial, with `random` at 0.5; it doubles from there. */
export const FIRST_REDIAL_MS = 125;

export type TimedClock = ManualClock & {
  /** Resolves when a timer of this length is set, or has been and was not asked for yet. */
  armed(delayMs: number): Promise<void>;
  /** Timers that are still to fire. */
  pending(): number;
};

export function createTimedClock(): TimedClock {
  const manual = createManualClock(START);
  const timers = createInbox<{ delayMs: number; taken: boolean }>();
  const pending = new Set<object>();
  const after: Clock["after"] = (delayMs, action) => {
    const timer = { delayMs, taken: false };
    const cancel = manual.after(delayMs, () => {
      pending.delete(timer);
      action();
    });
    pending.add(timer);
    timers.put(timer);
    return () => {
      pending.delete(timer);
      cancel();
    };
  };
  return {
    ...manual,
    after,
    async armed(delayMs) {
      const timer = await timers.first((set) => set.delayMs === delayMs && !set.taken);
      timer.taken = true;
    },
    pending: () => pending.size,
  };
}

export type TestDoor = Awaited<ReturnType<typeof startDoor>>;

/** Channels to these gateways; each is dialled at once. Everything ends with the test. */
export function startDoor(gateways: readonly Addressed[], changes: Partial<ControlChannelDeps> = {}) {
  const clock = createTimedClock();
  const store: MemoryStore = createMemoryStore(clock);
  const audit = createInbox<AuditEvent>();
  const log = createInbox<Record<string, unknown>>();
  const direct = createInbox<{ place: Place; connections: unknown }>();
  const trust = generateEcKeyPair();
  const keySet = { number: 7, envelope: "envelope-7" };
  const routing = { table: tableOf(gateways) };
  const deps: ControlChannelDeps = {
    table: () => routing.table,
    trust,
    issuer: ISSUER,
    keySet: () => ({ ...keySet }),
    aliveOf: async (sids) => new Set(sids),
    onDirectEnded: (place, jti) => direct.put({ place, connections: jti }),
    onDirect: (place, connections) => direct.put({ place, connections: [...connections] }),
    store,
    clock,
    log: createLog("front-door", "debug", { write: (line) => log.put(JSON.parse(line)) }),
    audit: { record: (event) => audit.put(event), accepting: true, close: async () => {} },
    leaseMs: LEASE_MS,
    random: () => 0.5,
    ...changes,
  };
  const channels = createControlChannels(deps);
  onTestFinished(async () => {
    const closed = channels.close();
    clock.advance(10_000);
    await closed;
  });
  return { clock, store: deps.store, audit, log, direct, trust, keySet, routing, channels };
}

/** The line that the door writes about `cloud/cloud-1`. */
export function controlLine(outcome: AuditEvent["outcome"], reason: string): AuditEvent {
  return auditEvent({ kind: "control_channel", outcome, reason, gateway: "cloud", endpoint: "cloud-1" });
}

/** A gateway by hand that ends with the test. */
export async function newGateway(endpoint = "cloud-1", gateway = "cloud"): Promise<ScriptedGateway> {
  const started = await startScriptedGateway({ gateway, endpoint, issuer: ISSUER, now: () => START });
  onTestFinished(() => started.close());
  return started;
}

type Addressed = Pick<ScriptedGateway, "gateway" | "endpoint" | "url"> & Pick<Endpoint, "fingerprint">;

export function tableOf(gateways: readonly Addressed[]): RoutingTable {
  const byGateway = new Map<GatewayId, Place["endpoint"][]>();
  for (const { gateway, endpoint, url, fingerprint } of gateways) {
    const id = gatewayId(gateway);
    const pin = fingerprint === undefined ? {} : { fingerprint };
    byGateway.set(id, [...(byGateway.get(id) ?? []), { id: endpointId(endpoint), url, ...pin }]);
  }
  const entries = [...byGateway].map(
    ([id, endpoints]) =>
      [id, { id, label: id, endpoints, userHeader: undefined, sendGroups: false }] as const,
  );
  return { gateways: new Map(entries), rules: [] };
}

export function placeOf(url = "http://127.0.0.1:1", gateway = "cloud", endpoint = "cloud-1"): Place {
  return { gateway: gatewayId(gateway), endpoint: { id: endpointId(endpoint), url } };
}

/** A port that takes connections and never says a word; its URL, and when somebody has come. */
export async function startMute(): Promise<{ url: string; sockets: Inbox<unknown> }> {
  const sockets = createInbox<unknown>();
  const server = createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    onTestFinished(() => void socket.destroy());
    socket.once("data", () => sockets.put(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function gatewayId(text: string): GatewayId {
  const id = parseGatewayId(text);
  if (id === undefined) throw new Error(`not a gateway id: ${text}`);
  return id;
}

function endpointId(text: string): EndpointId {
  const id = parseEndpointId(text);
  if (id === undefined) throw new Error(`not an endpoint id: ${text}`);
  return id;
}
