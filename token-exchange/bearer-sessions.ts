// The sessions of clients that present tokens instead of cookies. One provider token is one session, however
// often it is exchanged: once ended, that token opens no other. Records are sealed in the store.
import { createHmac, hkdfSync } from "node:crypto";
import type { Denial } from "../core/denial.ts";
import { type Identity, type VerifiedIdentity, vouchFor } from "../core/identity.ts";
import { parseSessionId, type SessionId } from "../core/ids.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Store, StoreUnavailable, type StoreWrite } from "../core/store.ts";
import { createSeal } from "./seal.ts";

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
};

export type BearerSessionsDeps = { readonly store: Store /** 32 bytes. */; readonly encryptionKey: Buffer };

export function createBearerSessions({ store, encryptionKey }: BearerSessionsDeps): BearerSessions {
  const seal = createSeal(encryptionKey, "bearer-session");
  const sidKey = Buffer.from(hkdfSync("sha256", encryptionKey, "", "gatehouse bearer-sid v1", 32));

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
        const key = placeOf(identity.sid);
        const value = seal.seal(key, JSON.stringify(identity));
        const before = await store.get(key);
        const ifVersion = before?.version ?? 0;
        const write: StoreWrite = { kind: "put", key, value, ifVersion, expiresAt: identity.expiresAt };
        if ((await store.commit([write])).ok) return ok(undefined);
        // Either another request with the same token was first, which is as good, or a tombstone stands here.
        return (await store.get(key)) === undefined ? err(ENDED) : ok(undefined);
      });
    },

    read(sid, asOfEvent) {
      return answering(async () => {
        const key = placeOf(sid);
        const entry = await store.get(key);
        const record = entry === undefined ? undefined : seal.open(key, entry.value);
        if (record === undefined) return err(ENDED);
        return ok(vouchFor({ ...(JSON.parse(record) as Identity), asOfEvent }));
      });
    },
  };
}

/** The write that ends a bearer session at once and for good: to be committed with the event that says so. */
export function endOfBearerSession(identity: Identity): StoreWrite {
  return { kind: "delete", key: placeOf(identity.sid), tombstoneUntil: identity.expiresAt };
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
