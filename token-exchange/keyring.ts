// The keys that sign assertions and access tokens. They live in the store, private parts sealed, together with
// the newest numbered key set, signed by the trust key: keys and key set change in one commit or not at all.
// A key is published before it signs, and stays published until nothing that it signed can be valid.
import type { KeyObject } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { KEY_SET_TYPE, type KeySet, type PublicSigningKey, verifyKeySet } from "../core/key-set.ts";
import type { Store, StoreWrite } from "../core/store.ts";
import { type EcKeyPair, ecKeyPairOf } from "./ec-key-pair.ts";
import { createSeal } from "./seal.ts";
import { signJwt } from "./sign-jwt.ts";
import {
  deleteSigningKey,
  newSigningKey,
  putSigningKey,
  readSigningKey,
  SIGNING_KEY_PREFIX,
  type SigningKey,
  type StoredSigningKey,
  signingAt,
  stillNeeded,
} from "./signing-key.ts";

export type Keyring = {
  /** `iss` of assertions. A name, never fetched. */
  readonly issuer: string;
  /** The key that signs now. */
  signingKey(): { readonly kid: string; readonly key: KeyObject };
  /** For verifying what this door signed itself; undefined for a `kid` that is not ours. */
  verificationKey(kid: string): KeyObject | undefined;
  /** What `/.well-known/jwks.json` shows. */
  publicKeys(): readonly PublicSigningKey[];
  /** The newest key set, for gateways: a compact JWS of the trust key. */
  keySet(): PublishedKeySet;
  /** In the order in which they sign. */
  states(): readonly KeyState[];
  /** Publishes a key that signs after the overlap. Does nothing while one already waits for that. */
  rotate(): Promise<PublishedKeySet>;
  /** In an emergency: a new key signs at once, and all others are out of the set, with all they have signed. */
  replace(): Promise<PublishedKeySet>;
  /** Takes over what another replica has changed, and drops the keys that nothing valid is signed by any more. */
  tick(): Promise<PublishedKeySet>;
};

export type PublishedKeySet = { readonly number: number; readonly envelope: string };

export type KeyState = {
  readonly kid: string;
  /** `next`: published, does not sign yet. `retired`: signs no more, what it signed may still be valid. */
  readonly state: "next" | "signing" | "retired";
  /** Both milliseconds since 1970. */
  readonly createdAt: number;
  readonly signsFrom: number;
};

export type KeyringDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
  /** Private key that gateways have pinned (see trust-key.ts). */
  readonly trustKey: KeyObject;
  readonly issuer: string;
  /** How long a key is published before it signs, so that every gateway and replica knows it by then. */
  readonly overlapMs?: number;
};

export const KEY_SET_PLACE = "key-set/current";
const OVERLAP_MS = 10 * 60_000;
const MAX_ATTEMPTS = 5;

/** What the keys shall be, given those stored, in the order in which they sign. */
type Plan = (stored: readonly StoredSigningKey[], now: number) => readonly (SigningKey | StoredSigningKey)[];

type Ring = { readonly keys: readonly SigningKey[]; readonly keySet: PublishedKeySet };

/**
 * Reads the keyring, or makes its first key. Publishes a new key set when keys, issuer or trust key changed.
 * Throws {@link ConfigError} when the encryption key does not open what is stored.
 */
export async function openKeyring(deps: KeyringDeps): Promise<Keyring> {
  const { clock, issuer, overlapMs = OVERLAP_MS } = deps;
  const change = createChange(deps);

  const keep: Plan = (stored, now) =>
    stored.length === 0 ? [newSigningKey(now, now)] : stillNeeded(stored, now);
  const rotate: Plan = (stored, now) => {
    const kept = keep(stored, now);
    const waiting = kept.some((key) => key.signsFrom > now);
    return waiting ? kept : [...kept, newSigningKey(now, now + overlapMs)];
  };
  const replace: Plan = (_, now) => [newSigningKey(now, now)];

  let ring = await change(keep);

  async function apply(plan: Plan): Promise<PublishedKeySet> {
    const changed = await change(plan);
    // A slower call may come back with what a faster one has already left behind.
    if (changed.keySet.number > ring.keySet.number) ring = changed;
    return ring.keySet;
  }

  function signing(): SigningKey {
    const key = signingAt(ring.keys, clock.now());
    if (key === undefined) throw new Error("a keyring has at least one key");
    return key;
  }

  return {
    issuer,
    signingKey() {
      const { pair } = signing();
      return { kid: pair.jwk.kid, key: pair.privateKey };
    },
    verificationKey: (kid) => ring.keys.find(({ pair }) => pair.jwk.kid === kid)?.pair.publicKey,
    publicKeys: () => publicKeysOf(ring.keys),
    keySet: () => ring.keySet,
    states() {
      const now = signing();
      return ring.keys.map((key) => ({
        kid: key.pair.jwk.kid,
        state: key === now ? "signing" : key.signsFrom > now.signsFrom ? "next" : "retired",
        createdAt: key.createdAt,
        signsFrom: key.signsFrom,
      }));
    },
    rotate: () => apply(rotate),
    replace: () => apply(replace),
    tick: () => apply(keep),
  };
}

/** Carries plans out: keys and key set in one commit, or again from what another replica has made of them. */
function createChange({ store, clock, encryptionKey, trustKey, issuer }: KeyringDeps) {
  const seal = createSeal(encryptionKey, "signing-key");
  const trust = ecKeyPairOf(trustKey);

  return async (plan: Plan): Promise<Ring> => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      // The key set first: whoever changes keys changes its version too, so that a commit which builds on keys read
      // before somebody's change is refused. The other way round, a key just replaced would be published again.
      const published = await store.get(KEY_SET_PLACE);
      const entries = await store.list(SIGNING_KEY_PREFIX);
      const now = clock.now();
      const stored = entries.map((entry) => readSigningKey(seal, entry));
      stored.sort((one, other) => one.signsFrom - other.signsFrom);
      const keys = plan(stored, now);
      const added = keys.filter((key) => !("version" in key)).map((key) => putSigningKey(seal, key));
      const dropped = stored.filter((key) => !keys.includes(key)).map(deleteSigningKey);
      const previous = published === undefined ? undefined : readPublished(published.value);
      const publicKeys = publicKeysOf(keys);
      if (previous !== undefined && isCurrent(previous, publicKeys, trust, issuer))
        return { keys, keySet: previous };
      const keySet = publish(publicKeys, trust, issuer, now, previous?.number ?? 0);
      const writes = [...added, ...dropped, putPublished(keySet, published?.version ?? 0)];
      if ((await store.commit(writes)).ok) return { keys, keySet };
    }
    throw new Error(`the keyring changed ${MAX_ATTEMPTS} times while it was being changed`);
  };
}

function publicKeysOf(keys: readonly SigningKey[]): readonly PublicSigningKey[] {
  return keys.map(({ pair }) => pair.jwk);
}

function readPublished(value: string): PublishedKeySet {
  return JSON.parse(value) as PublishedKeySet;
}

function putPublished(published: PublishedKeySet, ifVersion: number): StoreWrite {
  return { kind: "put", key: KEY_SET_PLACE, value: JSON.stringify(published), ifVersion, expiresAt: null };
}

function isCurrent(
  published: PublishedKeySet,
  keys: readonly PublicSigningKey[],
  trust: EcKeyPair,
  issuer: string,
): boolean {
  const keySet = verifyKeySet(published.envelope, trust.jwk.kid, published.number);
  if (!keySet.ok || keySet.value.issuer !== issuer) return false;
  return keySet.value.keys.map((key) => key.kid).join() === keys.map((key) => key.kid).join();
}

function publish(
  keys: readonly PublicSigningKey[],
  trust: EcKeyPair,
  issuer: string,
  now: number,
  previousNumber: number,
): PublishedKeySet {
  const iat = Math.floor(now / 1000);
  // Starting from the time in seconds, numbers go on growing even after the store was lost or an older
  // backup of it restored; gateways, which refuse lower ones, then still accept the next set.
  const number = Math.max(previousNumber + 1, iat);
  const keySet: KeySet = { number, issuer, iat, keys };
  return { number, envelope: signJwt(trust.privateKey, KEY_SET_TYPE, { jwk: trust.jwk }, keySet) };
}
