// Server-side sessions of browsers. The cookie is the whole handle; the store keeps its SHA-256 and sealed
// contents, so that neither a copy of the store nor a log opens a session. Ending is in session-endings.ts and
// leaves a tombstone: a write still under way cannot bring a session back.
import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { type Identity, type Proof, vouchFor } from "../../core/identity.ts";
import { newSessionId, type SessionHandle, type SessionId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Commit, Store, StoreWrite } from "../../core/store.ts";
import type { ClaimedIdentity } from "../../token-exchange/identity-from-claims.ts";
import { createProviderLogouts } from "../../token-exchange/provider-logouts.ts";
import { createSeal } from "../../token-exchange/seal.ts";
import { hashOf, type SessionIndex } from "../../token-exchange/session-index.ts";
import { type AccessEvent, formatAccessEvent } from "../live/access-event.ts";

export type Sessions = {
  /**
   * Stores a new session under a new handle. Never under one that a browser brought (S51: fixation).
   * @param begunAt milliseconds since 1970 at which the login began
   * @returns undefined when the provider has signed the person out since then: nothing is stored
   */
  create(
    handle: SessionHandle,
    login: ClaimedIdentity,
    details: SessionDetails,
    begunAt: number,
  ): Promise<SessionId | undefined>;
  /**
   * @param asOfEvent number of the newest event applied before this call
   * @returns `session_missing` for a handle that opens nothing, `session_ended` for one past its limits
   */
  read(handle: SessionHandle, asOfEvent: number): Promise<Result<Proof, Denial>>;
  /** {@link read} by the place that the session index names. It counts as use. */
  use(place: string): Promise<Result<SessionRecord, Denial>>;
  /** By place: what stands there, whatever its age. */
  recordAt(place: string): Promise<StoredSession | undefined>;
  /**
   * Writes a changed record, with the event that tells of the change; undefined when the session was ended or
   * changed meanwhile.
   */
  replace(place: string, session: StoredSession, event?: AccessEvent): Promise<Commit | undefined>;
  placeOf(handle: SessionHandle): string;
};

/** What the provider gave at the login or the newest refresh. Secrets: sealed in the store, never logged. */
export type ProviderTokens = {
  readonly idToken: string;
  readonly refreshToken: string | null;
  /** Milliseconds since 1970 at which the tokens are to be refreshed; null when there is nothing to refresh with. */
  readonly refreshAt: number | null;
};

export type SessionDetails = {
  readonly tokens: ProviderTokens;
  /** `sid` of the ID token: what a back-channel logout may name. */
  readonly providerSid: string | null;
  /** Where the login came from: shown to the person in the list of their sessions. */
  readonly from: { readonly peer: string; readonly userAgent: string | null };
};

export type SessionRecord = {
  readonly identity: Omit<Identity, "asOfEvent">;
  readonly details: SessionDetails;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  readonly usedAt: number;
};

export type StoredSession = { readonly record: SessionRecord; readonly version: number };

/**
 * Asks whether the provider still stands behind a session that is within its limits.
 * @returns the record, renewed where it had to be; or why the session may not be used now
 */
export type ConfirmSession = (place: string, record: SessionRecord) => Promise<Result<SessionRecord, Denial>>;

export type SessionRules = {
  /** Both in milliseconds. */
  readonly absoluteMs: number;
  readonly idleMs: number;
};

export type SessionsDeps = {
  readonly store: Store;
  readonly index: SessionIndex;
  readonly clock: Clock;
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
  readonly rules: SessionRules;
  readonly confirm: ConfirmSession;
};

/** Use is written down this many times per idle limit, not on every request. */
const TOUCHES_PER_IDLE = 20;
/** Of one person's sessions that change at the same moment, one succeeds in each round. */
const MAX_ATTEMPTS = 64;

export function createSessions(deps: SessionsDeps): Sessions {
  const { store, index, clock, rules } = deps;
  const seal = createSeal(deps.encryptionKey, "browser-session");
  const logouts = createProviderLogouts(store, clock);

  function put(place: string, record: SessionRecord, ifVersion: number): StoreWrite {
    const value = seal.seal(place, JSON.stringify(record));
    return { kind: "put", key: place, value, ifVersion, expiresAt: record.identity.expiresAt };
  }

  async function recordAt(place: string): Promise<StoredSession | undefined> {
    const entry = await store.get(place);
    const text = entry === undefined ? undefined : seal.open(place, entry.value);
    if (entry === undefined || text === undefined) return undefined;
    return { record: JSON.parse(text) as SessionRecord, version: entry.version };
  }

  async function replace(
    place: string,
    { record, version }: StoredSession,
    event?: AccessEvent,
  ): Promise<Commit | undefined> {
    const writes: StoreWrite[] = [put(place, record, version)];
    if (event !== undefined) writes.push({ kind: "event", payload: formatAccessEvent(event) });
    const committed = await store.commit(writes);
    return committed.ok ? committed.value : undefined;
  }

  /** When the next use is to be written down. */
  function nextTouch({ usedAt }: SessionRecord): number {
    return usedAt + rules.idleMs / TOUCHES_PER_IDLE;
  }

  async function use(place: string): Promise<Result<SessionRecord, Denial>> {
    const found = await recordAt(place);
    if (found === undefined) return err({ code: "session_missing" });
    const { record, version } = found;
    const now = clock.now();
    if (!isLive(record, rules, now)) return err({ code: "session_ended", how: "expired" });
    if (now < nextTouch(record)) return deps.confirm(place, record);
    const touched = { ...record, usedAt: now };
    // Losing to another request is fine: it wrote the same, or it ended the session, which must stand.
    const written = await replace(place, { record: touched, version });
    return deps.confirm(place, written === undefined ? record : touched);
  }

  return {
    async create(handle, login, details, begunAt) {
      const now = clock.now();
      const sid = newSessionId();
      const place = placeOf(handle);
      const expiresAt = now + rules.absoluteMs;
      const identity = { ...login, sid, via: "session" as const, expiresAt };
      const record: SessionRecord = { identity, details, beganAt: now, usedAt: now };
      const providerSid = details.providerSid === null ? null : hashOf(details.providerSid);
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const guards = await logouts.guarding(login, details.providerSid, begunAt);
        if (guards === undefined) return undefined;
        const listed = await index.adding(login.userId, {
          sid,
          kind: "browser",
          place,
          expiresAt,
          providerSid,
        });
        const committed = await store.commit([put(place, record, 0), ...listed, ...guards]);
        if (committed.ok) return sid;
        if (committed.error.key === place) throw new Error("a new session's handle was already in use");
        // Another login of the same person was first, or the provider signs them out just now.
      }
      throw new Error("a new session could not be written");
    },

    async read(handle, asOfEvent) {
      const used = await use(placeOf(handle));
      if (!used.ok) return used;
      const { identity, details } = used.value;
      const { refreshAt } = details.tokens;
      const freshUntil = Math.min(identity.expiresAt, nextTouch(used.value), refreshAt ?? identity.expiresAt);
      return ok({ identity: vouchFor({ ...identity, asOfEvent }), freshUntil });
    },

    use,
    recordAt,
    replace,
    placeOf,
  };
}

/** @param now milliseconds since 1970 */
export function isLive(record: SessionRecord, rules: SessionRules, now: number): boolean {
  return record.identity.expiresAt > now && record.usedAt + rules.idleMs > now;
}

function placeOf(handle: SessionHandle): string {
  return `session/${createHash("sha256").update(handle).digest("hex")}`;
}
