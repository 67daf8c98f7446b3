// The live index: everything that is being forwarded, with whose it is and what was decided, so that an end of access
// reaches exactly what it concerns, at once. An entry is made *before* its session is read: what happens
// meanwhile is kept and counts when the entry learns whose it is, so no event can slip between.
import type { AssertionUse } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Identity } from "../../core/identity.ts";
import type { SessionId, UserId } from "../../core/ids.ts";
import type { AccessEvent, EndReason } from "./access-event.ts";
import { afterLong } from "./after-long.ts";
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
  const unsettled = new Set<LiveEntry>();
  const bound = new Set<LiveEntry>();
  const sockets = new Set<LiveEntry>();
  const bySession = new Map<SessionId, Set<LiveEntry>>();
  const byUser = new Map<UserId, Set<LiveEntry>>();

  function remove(entry: LiveEntry) {
    unsettled.delete(entry);
    if (!bound.delete(entry)) return;
    sockets.delete(entry);
    entry.cancelExpiry();
    const { identity } = entry;
    if (identity === undefined) return;
    drop(bySession, identity.sid, entry);
    drop(byUser, identity.userId, entry);
  }

  function finish(entry: LiveEntry, reason: EndReason, event: number | null) {
    if (!bound.has(entry)) return;
    remove(entry);
    entry.endedBy = reason;
    entry.end(reason, event);
  }

  function finishAll(entries: Iterable<LiveEntry>, reason: EndReason, event: number | null) {
    const failures: unknown[] = [];
    for (const entry of [...entries]) {
      try {
        finish(entry, reason, event);
      } catch (error) {
        // One that cannot be ended must not keep the others open.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "connections could not be ended");
  }

  function judgeAgain(entries: Iterable<LiveEntry>, event: number) {
    for (const entry of [...entries]) {
      // Not settled yet: `settle` compares the snapshot, or `bind` gave it the new groups.
      if (entry.identity === undefined || entry.decided === undefined) continue;
      const reason = judge(entry.identity, entry.decided);
      if (reason !== undefined) finish(entry, reason, event);
      else entry.decided = { ...entry.decided, snapshot: snapshot() };
    }
  }

  function changeGroups(entry: LiveEntry, groups: readonly string[]) {
    if (entry.identity === undefined) return;
    entry.identity = { ...entry.identity, groups };
    entry.regrouped = true;
  }

  /** For what an administrator rarely asks: one look at all is cheaper than an index that every request pays for. */
  function boundWhere(isMeant: (identity: Identity, decided: Decided | undefined) => boolean): LiveEntry[] {
    return [...bound].filter(({ identity, decided }) => identity !== undefined && isMeant(identity, decided));
  }

  const index: LiveIndex = {
    bind(entry, identity, end) {
      const ended = entry.endedBy ?? missedEnd(entry.missed, identity);
      if (ended !== undefined) return ended;
      const remainingMs = identity.expiresAt - clock.now();
      if (remainingMs <= 0) return { code: "session_expired" };
      entry.identity = identity;
      entry.end = end;
      entry.cancelExpiry = afterLong(clock, remainingMs, () =>
        finish(entry, { code: "session_expired" }, null),
      );
      bound.add(entry);
      if (entry.use === "upgrade") sockets.add(entry);
      add(bySession, identity.sid, entry);
      add(byUser, identity.userId, entry);
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
      unsettled.delete(entry);
      entry.missed = NOTHING_MISSED;
      entry.decided = decided;
      return undefined;
    },

    remove,
  };

  return {
    begin(use) {
      const entry = new LiveEntry(index, use, clock.now());
      unsettled.add(entry);
      return entry;
    },

    apply(event, number) {
      for (const entry of unsettled) entry.missed = [...entry.missed, event];
      switch (event.kind) {
        case "sessions_ended":
          return finishAll(
            event.sids.flatMap((sid) => [...(bySession.get(sid) ?? [])]),
            { code: event.reason },
            number,
          );
        case "groups_changed": {
          const entries = [...(bySession.get(event.sid) ?? [])];
          for (const entry of entries) changeGroups(entry, event.groups);
          return judgeAgain(entries, number);
        }
        case "identity_changed":
          return finishAll(bySession.get(event.sid) ?? [], { code: "access_changed" }, number);
        case "policy_changed":
          return judgeAgain(bound, number);
        case "group_ended":
          return finishAll(
            boundWhere(({ groups }) => groups.includes(event.group)),
            { code: "group_ended" },
            number,
          );
        case "gateway_ended":
          return finishAll(
            boundWhere((_, decided) => decided !== undefined && concerns(event, decided)),
            { code: "gateway_ended" },
            number,
          );
        case "keys_replaced":
          for (const entry of unsettled) entry.endedBy = { code: "keys_replaced" };
          return finishAll(bound, { code: "keys_replaced" }, number);
      }
    },

    endSession: (sid, reason) => finishAll(bySession.get(sid) ?? [], reason, null),
    endSockets(count, reason) {
      for (const entry of [...sockets].slice(0, count)) finishAll([entry], reason(), null);
    },
    endAll(reason, event) {
      for (const entry of unsettled) entry.endedBy = reason;
      finishAll(bound, reason, event);
    },
    ofUser: (user) => describe(byUser.get(user) ?? []),
    list: () => describe(bound),
    get size() {
      return bound.size;
    },
    get sockets() {
      return sockets.size;
    },
    get forwarded() {
      return [...bound].filter(({ use }) => use !== "direct").length;
    },
  };
}

function describe(entries: Iterable<LiveEntry>): LiveConnection[] {
  return [...entries].flatMap(({ identity, decided, since }) =>
    identity === undefined ? [] : [{ identity, decided, since }],
  );
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

function add<Key>(index: Map<Key, Set<LiveEntry>>, key: Key, entry: LiveEntry): void {
  const entries = index.get(key);
  if (entries === undefined) index.set(key, new Set([entry]));
  else entries.add(entry);
}

function drop<Key>(index: Map<Key, Set<LiveEntry>>, key: Key, entry: LiveEntry): void {
  const entries = index.get(key);
  if (entries === undefined) return;
  entries.delete(entry);
  if (entries.size === 0) index.delete(key);
}
