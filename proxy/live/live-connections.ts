// The live index: everything that is being forwarded, by session, user, group, agent and endpoint, so that an end
// of access reaches exactly what it concerns, at once. An entry is made *before* its session is read: what happens
// meanwhile is kept and counts when the entry learns whose it is, so no event can slip between.
import type { AssertionUse } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Identity, VerifiedIdentity } from "../../core/identity.ts";
import type { AgentId, SessionId, UserId } from "../../core/ids.ts";
import type { Target } from "../decide/decide.ts";
import type { AccessEvent, EndReason } from "./access-event.ts";
import { afterLong } from "./after-long.ts";

/** @param event number of the event that ended it; null for an end of its own, such as expiry */
export type EndConnection = (reason: EndReason, event: number | null) => void;

/** What was decided about a connection, and by which snapshot of the policy. */
export type Decided = {
  readonly target: Target;
  readonly agents: readonly AgentId[];
  readonly gateway: string;
  readonly endpoint: string;
  /** The endpoint's, as `addressOf` gives it: the same name at another one is another place. */
  readonly address: string;
  readonly snapshot: number;
};

/** An entry of which nobody knows yet whose it is. */
export type PendingConnection = {
  /**
   * Binds the entry to whom it belongs. `end` is called at most once, as soon as their access ends.
   * @returns what ended it while the entry was pending: then nothing may be forwarded
   */
  bind(identity: VerifiedIdentity, end: EndConnection): EndReason | undefined;
  /**
   * Says what was decided; to be called before anything is forwarded.
   * @returns `again` if the policy has changed since, so that it must be decided anew; else why it ends, if it does
   */
  settle(decided: Decided): "again" | EndReason | undefined;
  /** The connection is over, or never came to be. */
  remove(): void;
};

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
  countOf(user: UserId): number;
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

type Entry = {
  readonly use: AssertionUse;
  identity: Identity | undefined;
  decided: Decided | undefined;
  readonly since: number;
  end: EndConnection;
  /** What happened before it was settled. */
  missed: AccessEvent[];
  endedBy: EndReason | undefined;
  /** Other groups came after it was bound: what was decided may not hold for them. */
  regrouped: boolean;
  cancelExpiry: () => void;
};

export function createLiveConnections({ clock, judge, snapshot }: LiveDeps): LiveConnections {
  const unsettled = new Set<Entry>();
  const bound = new Set<Entry>();
  const sockets = new Set<Entry>();
  const bySession = new Map<SessionId, Set<Entry>>();
  const byUser = new Map<UserId, Set<Entry>>();
  const byGroup = new Map<string, Set<Entry>>();
  const byGateway = new Map<string, Set<Entry>>();

  function remove(entry: Entry) {
    unsettled.delete(entry);
    if (!bound.delete(entry)) return;
    sockets.delete(entry);
    entry.cancelExpiry();
    const { identity, decided } = entry;
    if (identity !== undefined) {
      drop(bySession, identity.sid, entry);
      drop(byUser, identity.userId, entry);
      for (const group of identity.groups) drop(byGroup, group, entry);
    }
    if (decided !== undefined) drop(byGateway, decided.gateway, entry);
  }

  function finish(entry: Entry, reason: EndReason, event: number | null) {
    if (!bound.has(entry)) return;
    remove(entry);
    entry.endedBy = reason;
    entry.end(reason, event);
  }

  function finishAll(entries: Iterable<Entry>, reason: EndReason, event: number | null) {
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

  function judgeAgain(entries: Iterable<Entry>, event: number) {
    for (const entry of [...entries]) {
      // Not settled yet: `settle` compares the snapshot, or `bind` gave it the new groups.
      if (entry.identity === undefined || entry.decided === undefined) continue;
      const reason = judge(entry.identity, entry.decided);
      if (reason !== undefined) finish(entry, reason, event);
      else entry.decided = { ...entry.decided, snapshot: snapshot() };
    }
  }

  function changeGroups(entry: Entry, groups: readonly string[]) {
    if (entry.identity === undefined) return;
    for (const group of entry.identity.groups) drop(byGroup, group, entry);
    entry.identity = { ...entry.identity, groups };
    entry.regrouped = true;
    for (const group of groups) add(byGroup, group, entry);
  }

  return {
    begin(use) {
      const entry: Entry = {
        use,
        identity: undefined,
        decided: undefined,
        since: clock.now(),
        end: () => {},
        missed: [],
        endedBy: undefined,
        regrouped: false,
        cancelExpiry: () => {},
      };
      unsettled.add(entry);
      return {
        bind(identity, end) {
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
          if (use === "upgrade") sockets.add(entry);
          add(bySession, identity.sid, entry);
          add(byUser, identity.userId, entry);
          for (const group of identity.groups) add(byGroup, group, entry);
          return undefined;
        },
        settle(decided) {
          if (entry.endedBy !== undefined) return entry.endedBy;
          if (decided.snapshot !== snapshot()) return "again";
          const ended =
            entry.regrouped && entry.identity !== undefined ? judge(entry.identity, decided) : undefined;
          if (ended !== undefined) return ended;
          if (entry.missed.some((event) => event.kind === "gateway_ended" && concerns(event, decided))) {
            return { code: "gateway_ended" };
          }
          unsettled.delete(entry);
          entry.missed = [];
          entry.decided = decided;
          if (bound.has(entry)) add(byGateway, decided.gateway, entry);
          return undefined;
        },
        remove: () => remove(entry),
      };
    },

    apply(event, number) {
      for (const entry of unsettled) entry.missed.push(event);
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
          return finishAll(byGroup.get(event.group) ?? [], { code: "group_ended" }, number);
        case "gateway_ended":
          return finishAll(
            [...(byGateway.get(event.gateway) ?? [])].filter(
              ({ decided }) => decided && concerns(event, decided),
            ),
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
    countOf: (user) => byUser.get(user)?.size ?? 0,
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

function describe(entries: Iterable<Entry>): LiveConnection[] {
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

function add<Key>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) index.set(key, new Set([entry]));
  else entries.add(entry);
}

function drop<Key>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) return;
  entries.delete(entry);
  if (entries.size === 0) index.delete(key);
}
