// The sessions of clients that present tokens instead of cookies. One provider token is one session, however
// often it is exchanged: once ended, that token opens no other. Records are sealed in the store.
import { createHmac, hkdfSync } from "node:crypto";
import type { Denial } from "../core/denial.ts";
import { type Identity, type VerifiedIdentity, vouchFor } from "../core/identity.ts";
import { parseSessionId, type SessionId } from "../core/ids.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Store, type StoreEntry, StoreUnavailable, type StoreWrite } from "../core/store.ts";
import { createSeal } from "./seal.ts";
import type { SessionIndex, SessionPlace } from "./session-index.ts";

export type BearerSessions = {
  /** The session id that belongs to this (verified) provider token; without the encryption key nobody can tell which. */
  sidOf(providerToken: string): SessionId;
  /** Stores what was just proved. `session_ended` when this session was ended before. */
  open(identity: VerifiedIdentity): Promise<Result<void, Denial>>;
  /**
   * The identity behind a session id that a verified access token names.
   * @param asOfEvent number of the newest event applied before this call
   */
  read(sid: SessionId, asOfEvent: number): Promise<Result<VerifiedIdentity, Denial>>;
  /** By the place that the session index names. */
  recordAt(place: string): Promise<BearerRecord | undefined>;
};

export type BearerRecord = {
  readonly identity: Identity;
  /** First and newest exchange of the provider token, milliseconds since 1970. */
  readonly beganAt: number;
  readonly usedAt: number;
};

export type BearerSessionsDeps = {
  readonly store: Store;
  readonly index: SessionIndex;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
};

/** Of one person's sessions that change at the same moment, one succeeds in each round. */
const MAX_ATTEMPTS = 64;

export function createBearerSessions(deps: BearerSessionsDeps): BearerSessions {
  const { store, index, now, encryptionKey } = deps;
  const seal = createSeal(encryptionKey, "bearer-session");
  const sidKey = Buffer.from(hkdfSync("sha256", encryptionKey, "", "gatehouse bearer-sid v1", 32));

  function opened(key: string, entry: StoreEntry | undefined): BearerRecord | undefined {
    const text = entry === undefined ? undefined : seal.open(key, entry.value);
    return text === undefined ? undefined : (JSON.parse(text) as BearerRecord);
  }

  return {
    sidOf(providerToken) {
      // Only header and payload: their text is what was signed. The signature's is not, and has variants
      // that verify alike (unused bits of base64url, ECDSA's two values of s); each would be a new session.
      const signed = providerToken.slice(0, providerToken.lastIndexOf("."));
      const digest = createHmac("sha256", sidKey).update(signed).digest().subarray(0, 16);
      const sid = parseSessionId(`s_${digest.toString("base64url")}`);
      if (sid === undefined) throw new Error("a session id holds 16 bytes");
      return sid;
    },

    open(identity) {
      return answering(async () => {
        const { sid, userId, expiresAt } = identity;
        const key = placeOf(sid);
        for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
          const entry = await store.get(key);
          const usedAt = now();
          const record: BearerRecord = { identity, beganAt: opened(key, entry)?.beganAt ?? usedAt, usedAt };
          const value = seal.seal(key, JSON.stringify(record));
          const write: StoreWrite = { kind: "put", key, value, ifVersion: entry?.version ?? 0, expiresAt };
          const session: SessionPlace = { sid, kind: "bearer", place: key, expiresAt, providerSid: null };
          const committed = await store.commit([write, ...(await index.adding(userId, session))]);
          if (committed.ok) return ok(undefined);
          // A tombstone at the record's own key: this session was ended, and stays so.
          if (committed.error.key === key && (await store.get(key)) === undefined) return err(ENDED);
        }
        throw new Error("a bearer session could not be written");
      });
    },

    read(sid, asOfEvent) {
      return answering(async () => {
        const key = placeOf(sid);
        const record = opened(key, await store.get(key));
        if (record === undefined) return err(ENDED);
        return ok(vouchFor({ ...record.identity, asOfEvent }));
      });
    },

    recordAt: async (place) => opened(place, await store.get(place)),
  };
}

const ENDED: Denial = { code: "session_ended", how: "ended" };

function placeOf(sid: SessionId): string {
  return `bearer-session/${sid}`;
}

async function answering<T>(ask: () => Promise<Result<T, Denial>>): Promise<Result<T, Denial>> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StoreUnavailable) return err({ code: "store_unavailable" });
    throw error;
  }
}
