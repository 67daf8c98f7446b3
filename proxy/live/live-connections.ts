// The live index: everything that is being forwarded, with whose it is and what was decided, so that an end of access
// reaches exactly what it concerns, at once. An entry is made *before* its session is read: what happens
// meanwhile is kept and counts when the entry learns whose it is, so no event can slip between.
import type { AssertionUse } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Identity } from "../../core/identity.ts";
import type { SessionId, UserId } from "../../core/ids.ts";
import { SwapList } from "../swap-list.ts";
import type { AccessEvent, EndReason } from "./access-event.ts";
import { createExpiryAlarm } from "./expiry-alarm.ts";
import {
  type Decided,
  LiveEntry,
  type LiveIndex,
  NOTHING_MISSED,
  type PendingConnection,
} from "./live-entry.ts";

/** What the index knows of one connection. */
export type LiveConnection = {
  readonly identity: Identity;
  readonly decided: Decided | undefined;
  readonly since: number;
};

export type LiveConnections = {
  begin(use: AssertionUse): PendingConnection;
  /** Ends what the event concerns; `judge` decides anew where it only may concern it. */
  apply(event: AccessEvent, number: number): void;
  /** Ends one session's connections for a reason that is no event, such as a provider that stays silent. */
  endSession(sid: SessionId, reason: EndReason): void;
  /** Ends so many WebSockets, each for the reason that it is given. */
  endSockets(count: number, reason: () => EndReason): void;
  /** Ends everything, also what is still pending. */
  endAll(reason: EndReason, event: number | null): void;
  ofUser(user: UserId): readonly LiveConnection[];
  list(): readonly LiveConnection[];
  readonly size: number;
  /** WebSockets among them that this door forwards. */
  readonly sockets: number;
  /** All that this door forwards. */
  readonly forwarded: number;
};

/** What the policy of now says about a connection: why it ends, or undefined if it goes on. */
export type Judge = (identity: Identity, decided: Decided) => EndReason | undefined;

export type LiveDeps = {
  readonly clock: Clock;
  readonly judge: Judge;
  /** Number of the policy snapshot in force. */
  readonly snapshot: () => number;
};

export function createLiveConnections({ clock, judge, snapshot }: LiveDeps): LiveConnections {
  // One list of all. Every request comes and goes, while ends are rare: looking at ten thousand entries for each costs
  // less than indexes by session and person that every request would pay for.
  const entries = new SwapList<LiveEntry>();
  const alarm = createExpiryAlarm(clock, endExpired);

  function bound(isMeant: (entry: BoundEntry) => boolean = () => true): BoundEntry[] {
    return entries.all().filter((entry) => isBound(entry) && isMeant(entry)) as BoundEntry[];
  }

  function ofSession(sid: SessionId): BoundEntry[] {
    return bound(({ identity }) => identity.sid === sid);
  }

  function unsettled(): LiveEntry[] {
    return entries.all().filter(({ decided }) => decided === undefined);
  }

  function finish(entry: LiveEntry, reason: EndReason, event: number | null) {
    if (!entries.remove(entry)) return;
    entry.endedBy = reason;
    entry.end(reason, event);
  }

  function finishAll(ending: readonly BoundEntry[], reason: EndReason, event: number | null) {
    const failures: unknown[] = [];
    for (const entry of ending) {
      try {
        finish(entry, reason, event);
      } catch (error) {
        // One that cannot be ended must not keep the others open.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "connections could not be ended");
  }

  function endExpired(now: number): number {
    finishAll(
      bound(({ identity }) => identity.expiresAt <= now),
      { code: "session_expired" },
      null,
    );
    return bound().reduce(
      (next, { identity }) => Math.min(next, identity.expiresAt),
      Number.POSITIVE_INFINITY,
    );
  }

  function judgeAgain(concerned: readonly BoundEntry[], event: number) {
    for (const entry of concerned) {
      // Not settled yet: `settle` compares the snapshot, or `bind` gave it the new groups.
      if (entry.decided === undefined) continue;
      const reason = judge(entry.identity, entry.decided);
      if (reason !== undefined) finish(entry, reason, event);
      else entry.decided = { ...entry.decided, snapshot: snapshot() };
    }
  }

  const index: LiveIndex = {
    bind(entry, identity, end) {
      const ended = entry.endedBy ?? missedEnd(entry.missed, identity);
      if (ended !== undefined) return ended;
      if (identity.expiresAt <= clock.now()) return { code: "session_expired" };
      entry.identity = identity;
      entry.end = end;
      alarm.watch(identity.expiresAt);
      return undefined;
    },

    settle(entry, decided) {
      if (entry.endedBy !== undefined) return entry.endedBy;
      if (decided.snapshot !== snapshot()) return "again";
      const ended =
        entry.regrouped && entry.identity !== undefined ? judge(entry.identity, decided) : undefined;
      if (ended !== undefined) return ended;
      if (entry.missed.some((event) => event.kind === "gateway_ended" && concerns(event, decided))) {
        return { code: "gateway_ended" };
      }
      entry.missed = NOTHING_MISSED;
      entry.decided = decided;
      return undefined;
    },

    remove: (entry) => void entries.remove(entry),
  };

  return {
    begin(use) {
      const entry = new LiveEntry(index, use, clock.now());
      entries.add(entry);
      return entry;
    },

    apply(event, number) {
      for (const entry of unsettled()) entry.missed = [...entry.missed, event];
      switch (event.kind) {
        case "sessions_ended": {
          const sids = new Set(event.sids);
          return finishAll(
            bound(({ identity }) => sids.has(identity.sid)),
            { code: event.reason },
            number,
          );
        }
        case "groups_changed": {
          const concerned = ofSession(event.sid);
          for (const entry of concerned) {
            entry.identity = { ...entry.identity, groups: event.groups };
            entry.regrouped = true;
          }
          return judgeAgain(concerned, number);
        }
        case "identity_changed":
          return finishAll(ofSession(event.sid), { code: "access_changed" }, number);
        case "policy_changed":
          return judgeAgain(bound(), number);
        case "group_ended":
          return finishAll(
            bound(({ identity }) => identity.groups.includes(event.group)),
            { code: "group_ended" },
            number,
          );
        case "gateway_ended":
          return finishAll(
            bound(({ decided }) => decided !== undefined && concerns(event, decided)),
            { code: "gateway_ended" },
            number,
          );
        case "keys_replaced":
          for (const entry of unsettled()) entry.endedBy = { code: "keys_replaced" };
          return finishAll(bound(), { code: "keys_replaced" }, number);
      }
    },

    endSession: (sid, reason) => finishAll(ofSession(sid), reason, null),
    endSockets(count, reason) {
      for (const entry of bound(isSocket).slice(0, count)) finishAll([entry], reason(), null);
    },
    endAll(reason, event) {
      for (const entry of unsettled()) entry.endedBy = reason;
      finishAll(bound(), reason, event);
    },
    ofUser: (user) => bound(({ identity }) => identity.userId === user).map(described),
    list: () => bound().map(described),
    get size() {
      return bound().length;
    },
    get sockets() {
      return bound(isSocket).length;
    },
    get forwarded() {
      return bound(({ use }) => use !== "direct").length;
    },
  };
}

/** It is known whose it is. */
type BoundEntry = LiveEntry & { identity: Identity };

function isBound(entry: LiveEntry): entry is BoundEntry {
  return entry.identity !== undefined;
}

function isSocket({ use }: LiveEntry): boolean {
  return use === "upgrade";
}

function described({ identity, decided, since }: BoundEntry): LiveConnection {
  return { identity, decided, since };
}
/** Whether something that happened while nobody knew whose the entry is ended this person's access. */
function missedEnd(missed: readonly AccessEvent[], identity: Identity): EndReason | undefined {
  for (const event of missed) {
    if (event.kind === "sessions_ended" && event.sids.includes(identity.sid)) return { code: event.reason };
    if (event.kind === "group_ended" && identity.groups.includes(event.group)) return { code: "group_ended" };
    // The identity may have been read before it changed: it must be read again.
    const changed = event.kind === "groups_changed" || event.kind === "identity_changed";
    if (changed && event.sid === identity.sid) return { code: "access_changed" };
  }
  return undefined;
}

function concerns(event: { gateway: string; endpoint: string | null }, decided: Decided): boolean {
  return (
    event.gateway === decided.gateway && (event.endpoint === null || event.endpoint === decided.endpoint)
  );
}
