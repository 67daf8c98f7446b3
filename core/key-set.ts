// Numbered key sets: the public keys that gateways accept assertions from, signed by the door's trust key.
// A gateway pins the trust key's thumbprint (RFC 7638) in its configuration; nothing is ever fetched.
// The envelope is a compact JWS: `typ: gateway-keyset+jwt`, `jwk`: the trust public key. No I/O, no clock.
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { err, ok, type Result } from "./result.ts";

export const KEY_SET_TYPE = "gateway-keyset+jwt";

/** An ES256 public key (RFC 7518 §6.2). `kid` is its thumbprint. */
export type PublicSigningKey = {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: "ES256";
  readonly use: "sig";
};

export type KeySet = {
  /** Grows with every change; a gateway refuses a lower one than it has seen. */
  readonly number: number;
  /** The `iss` of every assertion signed by these keys. */
  readonly issuer: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly keys: readonly PublicSigningKey[];
};

export type KeySetFault = "malformed" | "wrong_type" | "untrusted_key" | "bad_signature" | "older_number";

/** SHA-256 thumbprint of an EC key, base64url (RFC 7638 §3.2: required members only, in lexical order). */
export function thumbprintOf(key: { crv: string; kty: string; x: string; y: string }): string {
  const canonical = JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x, y: key.y });
  return createHash("sha256").update(canonical).digest("base64url");
}

/**
 * @param envelope untrusted compact JWS, from a file or the control channel
 * @param trustThumbprint the pin from the gateway's configuration
 * @param lowestNumber number of the newest key set this gateway has accepted; 0 for none
 */
export function verifyKeySet(
  envelope: string,
  trustThumbprint: string,
  lowestNumber: number,
): Result<KeySet, KeySetFault> {
  const parts = envelope.trim().split(".", 4);
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined)
    return err("malformed");
  const header = readJson(head);
  if (header === undefined) return err("malformed");
  if (header["typ"] !== KEY_SET_TYPE || header["alg"] !== "ES256") return err("wrong_type");
  const trustKey = readPublicKey(header["jwk"]);
  if (trustKey === undefined) return err("malformed");
  if (trustKey.thumbprint !== trustThumbprint) return err("untrusted_key");
  const signed = Buffer.from(`${head}.${body}`);
  const signatureBytes = Buffer.from(signature, "base64url");
  if (!verify("sha256", signed, { key: trustKey.key, dsaEncoding: "ieee-p1363" }, signatureBytes))
    return err("bad_signature");
  const keySet = parseKeySet(readJson(body));
  if (keySet === undefined) return err("malformed");
  if (keySet.number < lowestNumber) return err("older_number");
  return ok(keySet);
}

export function keyObjectOf(key: PublicSigningKey): KeyObject {
  return createPublicKey({ key: key as unknown as JsonWebKey, format: "jwk" });
}

function parseKeySet(body: Record<string, unknown> | undefined): KeySet | undefined {
  if (body === undefined) return undefined;
  const { number, issuer, iat, keys } = body;
  if (!Number.isSafeInteger(number) || (number as number) < 1) return undefined;
  if (typeof issuer !== "string" || typeof iat !== "number" || !Array.isArray(keys) || keys.length === 0)
    return undefined;
  const parsed: PublicSigningKey[] = [];
  for (const key of keys) {
    const read = readPublicKey(key);
    if (read === undefined) return undefined;
    parsed.push(read.jwk);
  }
  return { number: number as number, issuer, iat, keys: parsed };
}

/** Reads an untrusted JWK; undefined unless it is a point on P-256. Its thumbprint is computed, never read. */
export function readPublicKey(
  value: unknown,
): { key: KeyObject; jwk: PublicSigningKey; thumbprint: string } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kty, crv, x, y } = value as Record<string, unknown>;
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string") return undefined;
  const thumbprint = thumbprintOf({ crv, kty, x, y });
  const jwk: PublicSigningKey = { kty, crv, x, y, kid: thumbprint, alg: "ES256", use: "sig" };
  try {
    return { key: keyObjectOf(jwk), jwk, thumbprint };
  } catch {
    return undefined;
  }
}

function readJson(base64url: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
