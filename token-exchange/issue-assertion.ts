// What the door tells one gateway endpoint about one person (RFC 7519). Only for a proved identity, and for no
// longer than the proof holds. No I/O, no clock.
import {
  ASSERTION_LIFETIME_SECONDS,
  ASSERTION_TYPE,
  type AssertionClaims,
  type AssertionUse,
} from "../core/assertion.ts";
import type { VerifiedIdentity } from "../core/identity.ts";
import type { AgentId } from "../core/ids.ts";
import { randomId } from "../core/random-id.ts";
import type { Keyring } from "./keyring.ts";
import { signJwt } from "./sign-jwt.ts";

export type AssertionSubject = {
  readonly identity: VerifiedIdentity;
  /** Agents this person may use over this connection; the decision made elsewhere is taken as it is. */
  readonly agents: readonly AgentId[];
  /** `audienceOf(gateway, endpoint)`. */
  readonly audience: string;
  readonly use: AssertionUse;
  /** Left out unless the gateway is configured to be told. */
  readonly groups?: readonly string[];
};

export type SignedAssertion = { readonly token: string; readonly claims: AssertionClaims };

/** @param now milliseconds since 1970 */
export function issueAssertion(keyring: Keyring, subject: AssertionSubject, now: number): SignedAssertion {
  const { identity, agents, audience, use, groups } = subject;
  const { kid, key } = keyring.signingKey();
  const iat = Math.floor(now / 1000);
  const claims: AssertionClaims = {
    iss: keyring.issuer,
    aud: audience,
    sub: identity.userId,
    sid: identity.sid,
    email: identity.emailTrusted ? identity.email : null,
    name: identity.name,
    agents,
    use,
    iat,
    exp: Math.min(iat + ASSERTION_LIFETIME_SECONDS, Math.floor(identity.expiresAt / 1000)),
    jti: randomId(16, "base64url"),
    ...(groups === undefined ? {} : { groups }),
  };
  return { token: signJwt(key, ASSERTION_TYPE, { kid }, claims), claims };
}
