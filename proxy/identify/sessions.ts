// Server-side sessions of browsers. The cookie is the whole handle; the store keeps its SHA-256 and sealed
// contents, so that neither a copy of the store nor a log opens a session. Ending one leaves a tombstone until
// its absolute expiry: a write still under way cannot bring it back.
import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { type Identity, type VerifiedIdentity, vouchFor } from "../../core/identity.ts";
import { newSessionId, type SessionHandle, type SessionId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Store, StoreWrite } from "../../core/store.ts";
import type { ClaimedIdentity } from "../../token-exchange/identity-from-claims.ts";
import { createSeal } from "../../token-exchange/seal.ts";
import { formatAccessEvent } from "../live/access-event.ts";

export type Sessions = {
  /** Stores a new session under a new handle. Never under one that a browser brought (S51: fixation). */
  create(handle: SessionHandle, login: ClaimedIdentity, idToken: string): Promise<SessionId>;
  /**
   * @param asOfEvent number of the newest event applied before this call
   * @returns `session_missing` for a handle that opens nothing, `session_ended` for one past its limits
   */
  read(handle: SessionHandle, asOfEvent: number): Promise<Result<VerifiedIdentity, Denial>>;
  /** Ends the session and says so in the event log, in one commit. Undefined if it was not there. */
  end(handle: SessionHandle, reason: "signed_out"): Promise<EndedSession | undefined>;
};

export type EndedSession = {
  readonly identity: Identity;
  /** For the provider's end-session page: tells it whose session to end. */
  readonly idToken: string;
  readonly eventNumber: number;
};

export type SessionRules = {
  /** Both in milliseconds. */
  readonly absoluteMs: number;
  readonly idleMs: number;
};

type SessionRecord = {
  readonly identity: Omit<Identity, "asOfEvent">;
  readonly idToken: string;
  readonly usedAt: number;
};

/** Use is written down this many times per idle limit, not on every request. */
const TOUCHES_PER_IDLE = 20;

export function createSessions(deps: {
  store: Store;
  clock: Clock;
  encryptionKey: Buffer;
  rules: SessionRules;
}): Sessions {
  const { store, clock, rules } = deps;
  const seal = createSeal(deps.encryptionKey, "browser-session");

  function put(place: string, record: SessionRecord, ifVersion: number): StoreWrite {
    const value = seal.seal(place, JSON.stringify(record));
    return { kind: "put", key: place, value, ifVersion, expiresAt: record.identity.expiresAt };
  }

  async function find(place: string): Promise<{ record: SessionRecord; version: number } | undefined> {
    const entry = await store.get(place);
    const text = entry === undefined ? undefined : seal.open(place, entry.value);
    if (entry === undefined || text === undefined) return undefined;
    return { record: JSON.parse(text) as SessionRecord, version: entry.version };
  }

  return {
    async create(handle, login, idToken) {
      const now = clock.now();
      const sid = newSessionId();
      const identity = { ...login, sid, via: "session" as const, expiresAt: now + rules.absoluteMs };
      const written = await store.commit([put(placeOf(handle), { identity, idToken, usedAt: now }, 0)]);
      if (!written.ok) throw new Error("a new session's handle was already in use");
      return sid;
    },

    async read(handle, asOfEvent) {
      const place = placeOf(handle);
      const found = await find(place);
      if (found === undefined) return err({ code: "session_missing" });
      const { record, version } = found;
      const now = clock.now();
      if (record.identity.expiresAt <= now || record.usedAt + rules.idleMs <= now) {
        return err({ code: "session_ended", how: "expired" });
      }
      if (record.usedAt + rules.idleMs / TOUCHES_PER_IDLE <= now) {
        // Losing to another request is fine: it wrote the same, or it ended the session, which must stand.
        await store.commit([put(place, { ...record, usedAt: now }, version)]);
      }
      return ok(vouchFor({ ...record.identity, asOfEvent }));
    },

    async end(handle, reason) {
      const place = placeOf(handle);
      const found = await find(place);
      if (found === undefined) return undefined;
      const { identity, idToken } = found.record;
      const committed = await store.commit([
        { kind: "delete", key: place, tombstoneUntil: identity.expiresAt },
        { kind: "event", payload: formatAccessEvent({ kind: "session_ended", sid: identity.sid, reason }) },
      ]);
      if (!committed.ok) throw new Error("an unconditional delete conflicted");
      return { identity: { ...identity, asOfEvent: 0 }, idToken, eventNumber: committed.value.eventNumber };
    },
  };
}

function placeOf(handle: SessionHandle): string {
  return `session/${createHash("sha256").update(handle).digest("hex")}`;
}
