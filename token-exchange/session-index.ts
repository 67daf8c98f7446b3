// Which sessions a person has, of either kind, and where each one's record is. The list is written in the same
// commit as the records it names and guarded by its version: ending all of somebody's sessions can miss none
// that is just being made.
import { createHash } from "node:crypto";
import type { SessionId, UserId } from "../core/ids.ts";
import type { Store, StoreWrite } from "../core/store.ts";

export type SessionPlace = {
  readonly sid: SessionId;
  readonly kind: "browser" | "bearer";
  /** Key of the record in the store. */
  readonly place: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** The provider's own name for the session, hashed; null when it gave none. */
  readonly providerSid: string | null;
};

export type FoundSession = SessionPlace & { readonly userId: UserId };

export type RemovedSessions = {
  readonly chosen: readonly SessionPlace[];
  readonly writes: readonly StoreWrite[];
};

export type SessionIndex = {
  /** Writes that add a session, to be committed with its record. They conflict when the list changed meanwhile. */
  adding(user: UserId, session: SessionPlace): Promise<readonly StoreWrite[]>;
  /**
   * Those of a person's sessions that `choose` names, and the writes that remove them, to be committed with the end of
   * their records. Chosen from the very list that the writes are guarded by.
   */
  removing(user: UserId, choose: (session: SessionPlace) => boolean): Promise<RemovedSessions>;
  ofUser(user: UserId): Promise<readonly SessionPlace[]>;
  /** Everybody's. */
  all(): Promise<readonly FoundSession[]>;
  find(sid: SessionId): Promise<FoundSession | undefined>;
  /**
   * Sessions that began by a session of this name at a provider (OpenID Connect Back-Channel Logout §2.4, `sid`). Two
   * providers may use one name: whoever acts on it looks whose session each is.
   */
  ofProviderSession(providerSid: string): Promise<readonly FoundSession[]>;
};

/** @param now wall clock, milliseconds since 1970: sessions past their end are left out of every list */
export function createSessionIndex(store: Store, now: () => number): SessionIndex {
  async function listOf(user: UserId): Promise<{ sessions: readonly SessionPlace[]; version: number }> {
    const entry = await store.get(listKey(user));
    const sessions = entry === undefined ? [] : (JSON.parse(entry.value) as SessionPlace[]);
    return { sessions: sessions.filter(({ expiresAt }) => expiresAt > now()), version: entry?.version ?? 0 };
  }

  async function find(sid: SessionId): Promise<FoundSession | undefined> {
    const entry = await store.get(pointerKey(sid));
    return entry === undefined ? undefined : (JSON.parse(entry.value) as FoundSession);
  }

  return {
    async adding(user, session) {
      const { sessions, version } = await listOf(user);
      const others = sessions.filter(({ sid }) => sid !== session.sid);
      const { sid, expiresAt, providerSid } = session;
      const pointer = JSON.stringify({ ...session, userId: user } satisfies FoundSession);
      const writes: StoreWrite[] = [
        putList(user, [...others, session], version),
        { kind: "put", key: pointerKey(sid), value: pointer, expiresAt },
      ];
      if (providerSid !== null) {
        writes.push({ kind: "put", key: `${providerKey(providerSid)}${sid}`, value: sid, expiresAt });
      }
      return writes;
    },

    async removing(user, choose) {
      const { sessions, version } = await listOf(user);
      const chosen = sessions.filter(choose);
      const others = sessions.filter((session) => !chosen.includes(session));
      const writes: StoreWrite[] = [
        putList(user, others, version),
        ...chosen.map(({ sid }): StoreWrite => ({ kind: "delete", key: pointerKey(sid) })),
        ...chosen.flatMap(({ sid, providerSid }): StoreWrite[] =>
          providerSid === null ? [] : [{ kind: "delete", key: `${providerKey(providerSid)}${sid}` }],
        ),
      ];
      return { chosen, writes };
    },

    ofUser: async (user) => (await listOf(user)).sessions,
    all: async () => (await store.list(POINTERS)).map(({ value }) => JSON.parse(value) as FoundSession),
    find,

    async ofProviderSession(providerSid) {
      const entries = await store.list(providerKey(hashOf(providerSid)));
      const found = await Promise.all(entries.map(({ value }) => find(value as SessionId)));
      return found.filter((session) => session !== undefined);
    },
  };
}

/** How the index and the records name a session of the provider without keeping its name. */
export function hashOf(providerSid: string): string {
  return createHash("sha256").update(providerSid).digest("base64url");
}

function putList(user: UserId, sessions: readonly SessionPlace[], ifVersion: number): StoreWrite {
  const last = Math.max(0, ...sessions.map(({ expiresAt }) => expiresAt));
  const value = JSON.stringify(sessions);
  return {
    kind: "put",
    key: listKey(user),
    value,
    ifVersion,
    expiresAt: sessions.length === 0 ? null : last,
  };
}

function listKey(user: UserId): string {
  return `user-sessions/${user}`;
}

const POINTERS = "sid/";

function pointerKey(sid: SessionId): string {
  return `${POINTERS}${sid}`;
}

function providerKey(hash: string): string {
  return `provider-sid/${hash}/`;
}
