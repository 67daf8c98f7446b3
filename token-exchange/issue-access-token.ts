// The door's own access token for clients that are no browser (RFC 9068). It is small on purpose: it names the
// bearer session, and the identity stays in the store, so that many groups fit and ending the session ends it.
import { randomBytes } from "node:crypto";
import { ACCESS_TOKEN_LIFETIME_SECONDS, ACCESS_TOKEN_TYPE } from "../core/assertion.ts";
import type { VerifiedIdentity } from "../core/identity.ts";
import type { Keyring } from "./keyring.ts";
import { signJwt } from "./sign-jwt.ts";

export type IssuedAccessToken = {
  /** A secret of the client's. */
  readonly token: string;
  readonly expiresInSeconds: number;
};

export type AccessTokenSubject = {
  readonly identity: VerifiedIdentity;
  /** RFC 9068 §2.2: REQUIRED. The provider's name for the client that asks. */
  readonly clientId: string;
  /** The door's origin: issuer and only audience. */
  readonly publicUrl: string;
};

/** @param now milliseconds since 1970 */
export function issueAccessToken(
  keyring: Keyring,
  { identity, clientId, publicUrl }: AccessTokenSubject,
  now: number,
): IssuedAccessToken {
  const { kid, key } = keyring.signingKey();
  const iat = Math.floor(now / 1000);
  const exp = Math.min(iat + ACCESS_TOKEN_LIFETIME_SECONDS, Math.floor(identity.expiresAt / 1000));
  const claims = {
    iss: publicUrl,
    aud: publicUrl,
    sub: identity.userId,
    sid: identity.sid,
    client_id: clientId,
    iat,
    exp,
    jti: randomBytes(16).toString("base64url"),
  };
  return { token: signJwt(key, ACCESS_TOKEN_TYPE, { kid }, claims), expiresInSeconds: exp - iat };
}
