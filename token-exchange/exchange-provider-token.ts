// The exchange of a provider's access token for one of the door's own, stage by stage: parse and authenticate,
// verify, narrow, issue. The new token never outlives the old one, nor the longest session (RFC 8693 §4).
import type { Clock } from "../core/clock.ts";
import type { Denial } from "../core/denial.ts";
import { type VerifiedIdentity, vouchFor } from "../core/identity.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { BearerSessions } from "./bearer-sessions.ts";
import { type ClaimRules, identityFromClaims } from "./identity-from-claims.ts";
import { type IssuedAccessToken, issueAccessToken } from "./issue-access-token.ts";
import type { Keyring } from "./keyring.ts";
import type { ProviderTokenVerifier } from "./verify-provider-token.ts";

export type TokenExchangeDeps = {
  readonly verifyProviderToken: ProviderTokenVerifier;
  /** Of the provider with this issuer, one that a verified token is from. */
  readonly claimRulesOf: (issuer: string) => ClaimRules | undefined;
  readonly sessions: BearerSessions;
  readonly keyring: Keyring;
  /** The door's origin. */
  readonly publicUrl: string;
  /** Longest life of a session, from the issue of the provider's token on. */
  readonly absoluteMs: number;
  readonly clock: Clock;
};

export type Exchanged<Grant> = {
  readonly identity: VerifiedIdentity;
  readonly grant: Grant;
  readonly accessToken: IssuedAccessToken;
};

/**
 * @param providerToken untrusted text of an `Authorization: Bearer` header
 * @param asOfEvent number of the newest event applied before this call
 * @param narrow the policy's decision about this person; a denial leaves no trace in the store
 */
export async function exchangeProviderToken<Grant>(
  providerToken: string,
  asOfEvent: number,
  narrow: (identity: VerifiedIdentity) => Result<Grant, Denial>,
  deps: TokenExchangeDeps,
): Promise<Result<Exchanged<Grant>, Denial>> {
  const { sessions, keyring, publicUrl, clock } = deps;
  const token = await deps.verifyProviderToken(providerToken);
  if (!token.ok) return token;
  const { issuer, subject, claims, clientId, issuedAt } = token.value;
  const rules = deps.claimRulesOf(issuer);
  if (rules === undefined)
    throw new TypeError("a token was verified that no provider's claims are read from");
  const person = identityFromClaims(subject, claims, rules);
  if (!person.ok) return person;
  const expiresAt = Math.min(token.value.expiresAt, issuedAt + deps.absoluteMs);
  if (expiresAt <= clock.now()) return err({ code: "bearer_invalid", fault: "expired" });
  const sid = sessions.sidOf(providerToken);
  const identity = vouchFor({ ...person.value, sid, via: "bearer", expiresAt, asOfEvent });
  const grant = narrow(identity);
  if (!grant.ok) return grant;
  const session = await sessions.open(identity);
  if (!session.ok) return session;
  const accessToken = issueAccessToken(keyring, { identity, clientId, publicUrl }, clock.now());
  return ok({ identity, grant: grant.value, accessToken });
}
