// Proves an identity from the door's own access token. Nothing else passes: not an assertion, not an ID token,
// not the provider's access token (RFC 8725 §3.12). Pinned by test/token-exchange/verify-access-token.test.ts.
import { ACCESS_TOKEN_TYPE, CLOCK_SKEW_SECONDS } from "../core/assertion.ts";
import type { Clock } from "../core/clock.ts";
import type { BearerFault, Denial } from "../core/denial.ts";
import type { Proof } from "../core/identity.ts";
import { parseSessionId } from "../core/ids.ts";
import { readJwtHeader, verifyJwt } from "../core/jwt.ts";
import { type Err, err, ok, type Result } from "../core/result.ts";
import type { BearerSessions } from "./bearer-sessions.ts";
import type { Keyring } from "./keyring.ts";

export type AccessTokenDeps = {
  readonly keyring: Keyring;
  readonly sessions: BearerSessions;
  /** The door's origin: issuer and only audience. */
  readonly publicUrl: string;
  readonly clock: Clock;
};

/**
 * @param token untrusted text of an `Authorization: Bearer` header
 * @param asOfEvent number of the newest event applied before this call
 */
export async function verifyAccessToken(
  token: string,
  { keyring, sessions, publicUrl, clock }: AccessTokenDeps,
  asOfEvent: number,
): Promise<Result<Proof, Denial>> {
  const header = readJwtHeader(token);
  if (!header.ok) return refuse(header.error);
  const { kid } = header.value;
  const key = kid === undefined ? undefined : keyring.verificationKey(kid);
  if (key === undefined) return refuse("unknown_key");
  const verified = verifyJwt(token, key, {
    types: [ACCESS_TOKEN_TYPE],
    algorithms: ["ES256"],
    issuer: publicUrl,
    audience: publicUrl,
    now: clock.now(),
    skewSeconds: CLOCK_SKEW_SECONDS,
  });
  if (!verified.ok) return refuse(verified.error);
  const { sid, sub, exp } = verified.value.claims;
  const sessionId = typeof sid === "string" ? parseSessionId(sid) : undefined;
  if (sessionId === undefined) return refuse("bad_claims");
  const identity = await sessions.read(sessionId, asOfEvent);
  if (!identity.ok) return identity;
  if (identity.value.userId !== sub) return refuse("bad_claims");
  if (identity.value.expiresAt <= clock.now()) return err({ code: "session_ended", how: "expired" });
  return ok({ identity: identity.value, freshUntil: Math.min(exp * 1000, identity.value.expiresAt) });
}

function refuse(fault: BearerFault): Err<Denial> {
  return err({ code: "bearer_invalid", fault });
}
