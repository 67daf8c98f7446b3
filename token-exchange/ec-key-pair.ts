// EC P-256 key pairs for ES256, as they are made, stored and shown. No I/O.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type PublicSigningKey, thumbprintOf } from "../core/key-set.ts";

export type EcKeyPair = {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** `kid` is its thumbprint (RFC 7638). */
  readonly jwk: PublicSigningKey;
};

export function generateEcKeyPair(): EcKeyPair {
  return ecKeyPairOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
}

/** @param privateKey throws a TypeError unless it is an EC P-256 private key */
export function ecKeyPairOf(privateKey: KeyObject): EcKeyPair {
  if (privateKey.type !== "private") throw new TypeError("not a private key");
  const publicKey = createPublicKey(privateKey);
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  if (kty !== "EC" || crv !== "P-256" || x === undefined || y === undefined)
    throw new TypeError("not a key on the curve P-256");
  const kid = thumbprintOf({ crv, kty, x, y });
  return { privateKey, publicKey, jwk: { kty, crv, x, y, kid, alg: "ES256", use: "sig" } };
}

/** PKCS #8 PEM: a secret. */
export function privateKeyToPem(privateKey: KeyObject): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Throws when the text is not the PEM of an EC P-256 private key. */
export function ecKeyPairFromPem(pem: string): EcKeyPair {
  return ecKeyPairOf(createPrivateKey(pem));
}
