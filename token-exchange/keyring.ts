// The keys that sign assertions and access tokens. They live in the store, private parts sealed, together with
// the newest numbered key set, signed by the trust key: keys and key set change in one commit or not at all.
import type { KeyObject } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { ConfigError } from "../core/config-error.ts";
import { KEY_SET_TYPE, type KeySet, type PublicSigningKey, verifyKeySet } from "../core/key-set.ts";
import type { Store, StoreEntry, StoreWrite } from "../core/store.ts";
import {
  type EcKeyPair,
  ecKeyPairFromPem,
  ecKeyPairOf,
  generateEcKeyPair,
  privateKeyToPem,
} from "./ec-key-pair.ts";
import { createSeal, type Seal } from "./seal.ts";
import { signJwt } from "./sign-jwt.ts";

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
};

export type PublishedKeySet = { readonly number: number; readonly envelope: string };

export type KeyringDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
  /** Private key that gateways have pinned (see trust-key.ts). */
  readonly trustKey: KeyObject;
  readonly issuer: string;
};

/** Prefix in the store; the rest is the `kid`. */
export const SIGNING_KEY_PREFIX = "signing-key/";
export const KEY_SET_PLACE = "key-set/current";
const MAX_ATTEMPTS = 5;

/**
 * Reads the keyring, or makes its first key. Publishes a new key set when keys, issuer or trust key changed.
 * Throws {@link ConfigError} when the encryption key does not open what is stored.
 */
export async function openKeyring(deps: KeyringDeps): Promise<Keyring> {
  const seal = createSeal(deps.encryptionKey, "signing-key");
  const trust = ecKeyPairOf(deps.trustKey);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const stored = await deps.store.list(SIGNING_KEY_PREFIX);
    const published = await deps.store.get(KEY_SET_PLACE);
    const writes: StoreWrite[] = [];
    const keys = stored.map((entry) => readSigningKey(seal, entry));
    if (keys.length === 0) {
      const first = { pair: generateEcKeyPair(), createdAt: deps.clock.now() };
      keys.push(first);
      writes.push(putSigningKey(seal, first));
    }
    keys.sort((one, other) => one.createdAt - other.createdAt);
    const pairs = keys.map((key) => key.pair);
    const previous = published === undefined ? undefined : readPublished(published.value);
    if (previous !== undefined && isCurrent(previous, pairs, trust, deps.issuer))
      return keyringOf(deps.issuer, pairs, previous);
    const next = publish(pairs, trust, deps, previous?.number ?? 0);
    writes.push(putPublished(next, published?.version ?? 0));
    if ((await deps.store.commit(writes)).ok) return keyringOf(deps.issuer, pairs, next);
    // Another replica was first: its keys are ours too.
  }
  throw new Error(`the keyring changed ${MAX_ATTEMPTS} times while it was being opened`);
}

type SigningKey = { readonly pair: EcKeyPair; readonly createdAt: number };

/** @param pairs oldest first; the newest signs */
function keyringOf(issuer: string, pairs: readonly EcKeyPair[], keySet: PublishedKeySet): Keyring {
  const newest = pairs.at(-1);
  if (newest === undefined) throw new Error("a keyring has at least one key");
  const byKid = new Map(pairs.map((pair) => [pair.jwk.kid, pair.publicKey]));
  return {
    issuer,
    signingKey: () => ({ kid: newest.jwk.kid, key: newest.privateKey }),
    verificationKey: (kid) => byKid.get(kid),
    publicKeys: () => pairs.map((pair) => pair.jwk),
    keySet: () => keySet,
  };
}

function readSigningKey(seal: Seal, entry: StoreEntry & { readonly key: string }): SigningKey {
  const { createdAt, sealed } = JSON.parse(entry.value) as { createdAt: number; sealed: string };
  const pem = seal.open(entry.key, sealed);
  if (pem !== undefined) return { pair: ecKeyPairFromPem(pem), createdAt };
  throw new ConfigError([
    {
      source: "front-door configuration",
      path: "encryptionKey",
      found: "a key that does not open the signing keys stored in the data folder",
      expected:
        "the key that this data folder was first started with; restore it, or start with an empty folder",
    },
  ]);
}

function putSigningKey(seal: Seal, { pair, createdAt }: SigningKey): StoreWrite {
  const key = `${SIGNING_KEY_PREFIX}${pair.jwk.kid}`;
  const sealed = seal.seal(key, privateKeyToPem(pair.privateKey));
  return { kind: "put", key, value: JSON.stringify({ createdAt, sealed }), ifVersion: 0, expiresAt: null };
}

function readPublished(value: string): PublishedKeySet {
  return JSON.parse(value) as PublishedKeySet;
}

function putPublished(published: PublishedKeySet, ifVersion: number): StoreWrite {
  return { kind: "put", key: KEY_SET_PLACE, value: JSON.stringify(published), ifVersion, expiresAt: null };
}

function isCurrent(
  published: PublishedKeySet,
  pairs: readonly EcKeyPair[],
  trust: EcKeyPair,
  issuer: string,
): boolean {
  const keySet = verifyKeySet(published.envelope, trust.jwk.kid, published.number);
  if (!keySet.ok || keySet.value.issuer !== issuer) return false;
  return keySet.value.keys.map((key) => key.kid).join() === pairs.map((pair) => pair.jwk.kid).join();
}

function publish(
  pairs: readonly EcKeyPair[],
  trust: EcKeyPair,
  { clock, issuer }: KeyringDeps,
  previousNumber: number,
): PublishedKeySet {
  const iat = Math.floor(clock.now() / 1000);
  // Starting from the time in seconds, numbers go on growing even after the store was lost or an older
  // backup of it restored; gateways, which refuse lower ones, then still accept the next set.
  const number = Math.max(previousNumber + 1, iat);
  const keySet: KeySet = { number, issuer, iat, keys: pairs.map((pair) => pair.jwk) };
  return { number, envelope: signJwt(trust.privateKey, KEY_SET_TYPE, { jwk: trust.jwk }, keySet) };
}
