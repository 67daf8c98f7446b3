// Connections that a proxy such as nginx holds: decided on here, ended at their gateway. Each is in the live index like
// one that this door forwards, so that whatever ends access finds it, and counts towards the limits; its end goes over
// the control channel. What is open the gateways say: a door that was away learns it again, and judges it anew.
import { addressOf } from "../../config/routes.ts";
import { ASSERTION_LIFETIME_SECONDS, CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import type { Identity, VerifiedIdentity } from "../../core/identity.ts";
import type { AgentId, SessionId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import { closeOf, type EndReason } from "../live/access-event.ts";
import type { BeginEntry, Entry } from "../live/begin-entry.ts";
import type { Judge, LiveConnections } from "../live/live-connections.ts";
import type { Decided, EndConnection, PendingConnection } from "../live/live-entry.ts";
import { type Allowance, createAllowance } from "./allowance.ts";
import type { ControlChannels } from "./control-channels.ts";
import { createDirectShare, type DirectShare, type ShareLimits } from "./direct-share.ts";
import type { DirectConnection } from "./link.ts";
import { keyOf, namesOf, type Place } from "./place.ts";

export type DirectConnections = {
  /** @param peer client address */
  begin(peer: string): Handover;
  /** A gateway has named all of its connections that no front door forwards. */
  listed(place: Place, connections: readonly DirectConnection[]): void;
  /** One of them is over. */
  over(place: Place, jti: string): void;
  /** Forgets all of them without ending any: they outlive this door, for as long as their leases. */
  stop(): void;
};

/** A connection on its way to the proxy that will hold it. */
export type Handover = {
  /** In the live index from the start: to be bound, with `end`, and settled. */
  readonly connection: Entry;
  readonly end: EndConnection;
  /**
   * From now on its end is told to the gateway.
   * @param jti of the assertion that will open it
   * @returns that its access has ended meanwhile, or that its endpoint has its share: then it must not be handed over
   */
  complete(place: Place, jti: string, who: Identity, agent: AgentId): Denial | undefined;
};

export type DirectConnectionsDeps = {
  readonly live: Pick<LiveConnections, "begin">;
  readonly begin: BeginEntry;
  readonly endDirect: ControlChannels["endDirect"];
  /** Undefined for a session that does not live. Rejects when the store does not answer. */
  readonly identityOf: (sid: SessionId) => Promise<VerifiedIdentity | undefined>;
  readonly judge: Judge;
  /** Number of the policy snapshot that `judge` goes by. */
  readonly snapshot: () => number;
  readonly limits: ShareLimits;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly log: Log;
};

type Held = {
  readonly connection: PendingConnection;
  /** Gives its part of the endpoint's share back. */
  leave: () => void;
  /** Its gateway has named it: once it no longer does, it is gone. */
  listed: boolean;
  /** Monotonic time after which it cannot be open any more, or come to be, without being named. */
  keepUntil: number;
};

type AtPlace = {
  /** By `jti`. */
  readonly held: Map<string, Held>;
  readonly share: DirectShare;
  /** Sessions that may be read because this endpoint names what nobody here knows. */
  readonly restores: Allowance;
};

/** What an endpoint of honest size has is learnt from one listing; what is past it, from the next ones. */
const RESTORES = { atOnce: 10_000, perSecond: 1_000 };

/** For as long an assertion may still open a connection. */
const UNDER_WAY_MS = (ASSERTION_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS) * 1_000;

export function createDirectConnections(deps: DirectConnectionsDeps): DirectConnections {
  const { live, clock, audit, log, leaseMs } = deps;
  const byPlace = new Map<string, AtPlace>();
  let cancelSweep = clock.after(leaseMs, sweep);
  let stopped = false;

  function sweep() {
    const now = clock.monotonic();
    for (const { held } of byPlace.values())
      for (const [jti, { keepUntil }] of held) if (keepUntil <= now) forget(held, jti);
    cancelSweep = clock.after(leaseMs, sweep);
  }

  function atPlace(place: Place): AtPlace {
    const key = keyOf(place);
    const known = byPlace.get(key);
    if (known !== undefined) return known;
    const made = {
      held: new Map<string, Held>(),
      share: createDirectShare(deps.limits),
      restores: createAllowance(RESTORES, clock),
    };
    byPlace.set(key, made);
    return made;
  }

  function forget(held: Map<string, Held>, jti: string) {
    const one = held.get(jti);
    one?.connection.remove();
    one?.leave();
    held.delete(jti);
  }

  function tell(place: Place, jti: string, reason: EndReason, event: number | null) {
    deps.endDirect(place, jti, { event, ...closeOf(reason) });
  }

  /** What happens when its access ends, once its gateway must hear of it. */
  function ending(
    place: Place,
    jti: string,
    { userId, email, sid }: Identity,
    agent: AgentId,
  ): EndConnection {
    return (reason, event) => {
      forget(atPlace(place).held, jti);
      tell(place, jti, reason, event);
      const facts = { reason: reason.code, event, userId, email, sid, agent, ...namesOf(place) };
      audit.record(auditEvent({ kind: "connection_closed", outcome: "allowed", ...facts }));
    };
  }

  /** One that nobody here knows: this door was away when it was decided on, or another replica did it. */
  async function restore(place: Place, { jti, sid, agents }: DirectConnection, held: Held): Promise<void> {
    const { held: own, share } = atPlace(place);
    const identity = await deps.identityOf(sid);
    const [agent] = agents;
    // Gone while its session was read.
    if (own.get(jti) !== held || agent === undefined) return;
    const decided: Decided = {
      target: agents.length === 1 ? { kind: "agent", agent } : { kind: "first" },
      agents,
      gateway: place.gateway,
      endpoint: place.endpoint.id,
      address: addressOf(place.endpoint),
      snapshot: deps.snapshot(),
    };
    const ended =
      identity === undefined
        ? EXPIRED
        : (takeShare(held, share, identity) ??
          held.connection.bind(identity, ending(place, jti, identity, agent)) ??
          held.connection.settle(decided) ??
          deps.judge(identity, decided));
    if (ended === undefined) return;
    forget(own, jti);
    // While a newer policy is being read, it waits for the next listing.
    if (ended !== "again") tell(place, jti, ended, null);
  }

  function takeShare(held: Held, share: DirectShare, { userId }: Identity): EndReason | undefined {
    const taken = share.take(userId, undefined);
    if (!taken.ok) return { code: "too_many" };
    held.leave = taken.value;
    return undefined;
  }

  /** Without a place among the limits: it is open already, and no more than a share of them can be. */
  function enter(place: Place, named: DirectConnection, keepUntil: number) {
    const { held: own, restores } = atPlace(place);
    // The next listing names it again.
    if (restores.owedMs() > 0) return;
    restores.spend(1);
    const held: Held = { connection: live.begin("direct"), leave() {}, listed: true, keepUntil };
    own.set(named.jti, held);
    restore(place, named, held).catch((error: unknown) => {
      // The store does not answer: its lease is not renewed either. The next listing names it again.
      if (own.get(named.jti) === held) forget(own, named.jti);
      log.warn({ ...namesOf(place), err: error }, "a direct connection is not judged");
    });
  }

  return {
    begin(peer) {
      const connection = deps.begin("direct", peer);
      let ended: EndReason | undefined;
      let end: EndConnection = (reason) => {
        ended = reason;
      };
      return {
        connection,
        end: (reason, event) => end(reason, event),
        complete(place, jti, who, agent) {
          if (ended !== undefined) return { code: "access_changed", reason: ended.code };
          const { held, share } = atPlace(place);
          const taken = share.take(who.userId, peer);
          if (!taken.ok) return { code: "overloaded", what: `limits.${taken.error} at one endpoint` };
          // This door dials nothing.
          connection.opened();
          const keepUntil = clock.monotonic() + UNDER_WAY_MS;
          held.set(jti, { connection, leave: taken.value, listed: false, keepUntil });
          end = ending(place, jti, who, agent);
          return undefined;
        },
      };
    },
    listed(place, connections) {
      if (stopped) return;
      const own = atPlace(place).held;
      const keepUntil = clock.monotonic() + 2 * leaseMs;
      for (const connection of connections) {
        const held = own.get(connection.jti);
        if (held === undefined) {
          enter(place, connection, keepUntil);
          continue;
        }
        held.listed = true;
        held.keepUntil = keepUntil;
      }
      const named = new Set(connections.map(({ jti }) => jti));
      for (const [jti, { listed }] of own) if (listed && !named.has(jti)) forget(own, jti);
    },
    over: (place, jti) => forget(atPlace(place).held, jti),
    stop() {
      stopped = true;
      cancelSweep();
      for (const { held } of byPlace.values()) for (const jti of held.keys()) forget(held, jti);
    },
  };
}

/** Whoever ended it before that has told the gateway so. */
const EXPIRED: EndReason = { code: "session_expired" };
