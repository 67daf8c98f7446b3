// One signing key: since when it signs, until when what it signed can be valid, and how it is stored, its private
// part sealed. No I/O, no clock.
import { ACCESS_TOKEN_LIFETIME_SECONDS, CLOCK_SKEW_SECONDS } from "../core/assertion.ts";
import { ConfigError } from "../core/config-error.ts";
import type { StoreEntry, StoreWrite } from "../core/store.ts";
import { type EcKeyPair, ecKeyPairFromPem, generateEcKeyPair, privateKeyToPem } from "./ec-key-pair.ts";
import type { Seal } from "./seal.ts";

/** Times in milliseconds since 1970. */
export type SigningKey = {
  readonly pair: EcKeyPair;
  readonly createdAt: number;
  /** It signs from then until the next one does. Before, it is only published. */
  readonly signsFrom: number;
};

/** As found in the store, with the version that it must still have when it is deleted. */
export type StoredSigningKey = SigningKey & { readonly version: number };

/** Prefix in the store; the rest is the `kid`. */
export const SIGNING_KEY_PREFIX = "signing-key/";

/**
 * How long after its last use a key stays published: access tokens live longest of what it signs, and both the
 * clock that stamped them and the one that ends the key's use may be wrong.
 */
export const RETIRED_FOR_MS = (ACCESS_TOKEN_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1000;

export function newSigningKey(now: number, signsFrom: number): SigningKey {
  return { pair: generateEcKeyPair(), createdAt: now, signsFrom };
}

/** The last key whose time has come; the first one, if a clock set back says that none has. */
export function signingAt<Key extends SigningKey>(keys: readonly Key[], now: number): Key | undefined {
  return keys.findLast((key) => key.signsFrom <= now) ?? keys[0];
}

/** @param keys in the order in which they sign; those nothing valid can be signed by any more are left out */
export function stillNeeded<Key extends SigningKey>(keys: readonly Key[], now: number): readonly Key[] {
  return keys.filter((_, index) => {
    const successor = keys[index + 1];
    return successor === undefined || now < successor.signsFrom + RETIRED_FOR_MS;
  });
}

/** Throws {@link ConfigError} when the encryption key does not open it. */
export function readSigningKey(seal: Seal, entry: StoreEntry & { readonly key: string }): StoredSigningKey {
  // Records of the first version have no `signsFrom`: their keys signed from the start.
  const record = JSON.parse(entry.value) as { createdAt: number; signsFrom?: number; sealed: string };
  const { createdAt, signsFrom = createdAt, sealed } = record;
  const pem = seal.open(entry.key, sealed);
  if (pem !== undefined) return { pair: ecKeyPairFromPem(pem), createdAt, signsFrom, version: entry.version };
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

export function putSigningKey(seal: Seal, { pair, createdAt, signsFrom }: SigningKey): StoreWrite {
  const key = placeOf(pair);
  const sealed = seal.seal(key, privateKeyToPem(pair.privateKey));
  const value = JSON.stringify({ createdAt, signsFrom, sealed });
  return { kind: "put", key, value, ifVersion: 0, expiresAt: null };
}

export function deleteSigningKey({ pair, version }: StoredSigningKey): StoreWrite {
  return { kind: "delete", key: placeOf(pair), ifVersion: version };
}

function placeOf(pair: EcKeyPair): string {
  return `${SIGNING_KEY_PREFIX}${pair.jwk.kid}`;
}
