// The live index: everything that is being forwarded, by session and by user, so that an end of access reaches
// it at once. An entry is made *before* its session is read: what ends meanwhile is kept and applied when the
// entry learns whose it is, so no event can slip between (test/proxy/live-connections.test.ts).
import type { Clock } from "../../core/clock.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { SessionId, UserId } from "../../core/ids.ts";
import type { AccessEvent, EndReason } from "./access-event.ts";

export type EndConnection = (reason: EndReason) => void;

/** An entry of which nobody knows yet whose it is. */
export type PendingConnection = {
  /**
   * Binds the entry to whom it belongs. `end` is called at most once, as soon as their access ends.
   * @returns false if it ended while the entry was pending: then nothing may be forwarded
   */
  bind(identity: VerifiedIdentity, end: EndConnection): boolean;
  /** The connection is over, or never came to be. */
  remove(): void;
};

export type LiveConnections = {
  begin(): PendingConnection;
  apply(event: AccessEvent): void;
  /** Ends everything, also what is still pending. */
  endAll(reason: EndReason): void;
  countOf(user: UserId): number;
  readonly size: number;
};

type Entry = {
  sid: SessionId | undefined;
  user: UserId | undefined;
  end: EndConnection;
  missed: SessionId[];
  missedAll: boolean;
  cancelExpiry: () => void;
};

export function createLiveConnections(clock: Clock): LiveConnections {
  const pending = new Set<Entry>();
  const bySession = new Map<SessionId, Set<Entry>>();
  const byUser = new Map<UserId, Set<Entry>>();
  let size = 0;

  function remove(entry: Entry) {
    pending.delete(entry);
    entry.cancelExpiry();
    if (entry.sid === undefined || entry.user === undefined) return;
    if (drop(bySession, entry.sid, entry)) size -= 1;
    drop(byUser, entry.user, entry);
  }

  function finish(entry: Entry, reason: EndReason) {
    remove(entry);
    entry.end(reason);
  }

  return {
    begin() {
      const entry: Entry = {
        sid: undefined,
        user: undefined,
        end: () => {},
        missed: [],
        missedAll: false,
        cancelExpiry: () => {},
      };
      pending.add(entry);
      return {
        bind(identity, end) {
          pending.delete(entry);
          if (entry.missedAll || entry.missed.includes(identity.sid)) return false;
          const remainingMs = identity.expiresAt - clock.now();
          if (remainingMs <= 0) return false;
          entry.sid = identity.sid;
          entry.user = identity.userId;
          entry.end = end;
          entry.cancelExpiry = afterLong(clock, remainingMs, () => finish(entry, "session_expired"));
          add(bySession, identity.sid, entry);
          add(byUser, identity.userId, entry);
          size += 1;
          return true;
        },
        remove: () => remove(entry),
      };
    },
    apply(event) {
      for (const entry of pending) entry.missed.push(event.sid);
      for (const entry of [...(bySession.get(event.sid) ?? [])]) finish(entry, event.reason);
    },
    endAll(reason) {
      for (const entry of pending) entry.missedAll = true;
      for (const entry of [...bySession.values()].flatMap((entries) => [...entries])) finish(entry, reason);
    },
    countOf: (user) => byUser.get(user)?.size ?? 0,
    get size() {
      return size;
    },
  };
}

function add<Key>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) index.set(key, new Set([entry]));
  else entries.add(entry);
}

function drop<Key>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): boolean {
  const entries = index.get(key);
  if (entries === undefined || !entries.delete(entry)) return false;
  if (entries.size === 0) index.delete(key);
  return true;
}

// Node's timers hold 2^31-1 ms at most and fire at once beyond that.
const LONGEST_TIMER_MS = 2_147_483_647;

function afterLong(clock: Clock, delayMs: number, action: () => void): () => void {
  let cancel = () => {};
  const arm = (left: number) => {
    cancel =
      left <= LONGEST_TIMER_MS
        ? clock.after(left, action)
        : clock.after(LONGEST_TIMER_MS, () => arm(left - LONGEST_TIMER_MS));
  };
  arm(delayMs);
  return () => cancel();
}
