// Reads a provider's JWK Set (RFC 7517). Only public keys for signatures that we would accept; the rest is passed
// over, as §5 says. No I/O.
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Algorithm } from "jsonwebtoken";
import { err, ok, type Result } from "../core/result.ts";

export type ProviderKey = {
  readonly key: KeyObject;
  /** The only algorithm the provider uses it for; undefined when it does not say. */
  readonly alg: Algorithm | undefined;
};

const MAX_KEYS = 100;
const MIN_RSA_BITS = 2048;
const ALGORITHMS: readonly Algorithm[] = ["RS256", "PS256", "ES256"];

/** @param document untrusted; a `Map`, because a `kid` may be `__proto__` */
export function parseProviderKeys(document: unknown): Result<ReadonlyMap<string, ProviderKey>, string> {
  const list = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) return err("the provider's key set has no keys");
  const keys = new Map<string, ProviderKey>();
  for (const jwk of list.slice(0, MAX_KEYS) as unknown[]) {
    const read = readKey(jwk);
    if (read !== undefined && !keys.has(read.kid)) keys.set(read.kid, read.key);
  }
  return keys.size === 0 ? err("the provider's key set has no usable key") : ok(keys);
}

function readKey(jwk: unknown): { kid: string; key: ProviderKey } | undefined {
  if (typeof jwk !== "object" || jwk === null) return undefined;
  const { kid, kty, use, alg } = jwk as Record<string, unknown>;
  if (typeof kid !== "string" || (kty !== "RSA" && kty !== "EC")) return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  const algorithm = ALGORITHMS.find((known) => known === alg);
  if (alg !== undefined && algorithm === undefined) return undefined;
  const key = importKey(jwk);
  if (key === undefined || !isStrong(key)) return undefined;
  return { kid, key: { key, alg: algorithm } };
}

function importKey(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    return undefined;
  }
}

function isStrong(key: KeyObject): boolean {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  return key.asymmetricKeyType === "rsa" ? (modulusLength ?? 0) >= MIN_RSA_BITS : namedCurve === "prime256v1";
}
