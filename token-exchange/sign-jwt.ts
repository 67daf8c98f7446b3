// The one place that signs a JWT, over `jsonwebtoken`: always ES256, always with an explicit type (RFC 8725 §3.11).
import type { KeyObject } from "node:crypto";
import jsonwebtoken, { type JwtHeader } from "jsonwebtoken";
import type { PublicSigningKey } from "../core/key-set.ts";

/** How a verifier finds the key: by `kid` in a key set, or the key itself, whose thumbprint the verifier has pinned. */
export type KeyReference = { readonly kid: string } | { readonly jwk: PublicSigningKey };

/** @param claims complete, `iat` included: nothing is added */
export function signJwt(key: KeyObject, typ: string, reference: KeyReference, claims: object): string {
  const header: JwtHeader = { alg: "ES256", typ, ...reference };
  return jsonwebtoken.sign(claims, key, { algorithm: "ES256", header });
}
