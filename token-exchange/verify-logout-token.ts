// Verifies a logout token of the OpenID provider (OpenID Connect Back-Channel Logout 1.0 §2.4 to §2.6). Whether it
// was seen before is asked elsewhere. An ID token, an access token or anything else the provider signs is none.
import type { ProviderConfig } from "../config/provider.ts";
import { CLOCK_SKEW_SECONDS } from "../core/assertion.ts";
import type { Clock } from "../core/clock.ts";
import type { Denial } from "../core/denial.ts";
import { type JwtFault, readJwtHeader, verifyJwt } from "../core/jwt.ts";
import { type Err, err, ok, type Result } from "../core/result.ts";
import type { ProviderMetadataSource } from "./provider-metadata.ts";

export type LogoutToken = {
  readonly issuer: string;
  readonly jti: string;
  /** At least one of the two is there. */
  readonly subject: string | null;
  readonly providerSid: string | null;
  /** Milliseconds since 1970 from which on it would be refused as too old. */
  readonly acceptableUntil: number;
};

export type LogoutTokenFault =
  | { readonly kind: "invalid"; readonly what: JwtFault | "no_event" | "nonce" | "no_jti" | "no_subject" }
  /** Nobody can tell, for now. */
  | { readonly kind: "unverifiable"; readonly denial: Denial };

export type LogoutTokenVerifier = (token: string) => Promise<Result<LogoutToken, LogoutTokenFault>>;

export type LogoutTokenDeps = {
  readonly provider: Pick<ProviderConfig, "issuer" | "clientId" | "idTokenSigningAlg">;
  readonly metadata: Pick<ProviderMetadataSource, "key">;
  readonly clock: Clock;
};

/** §4: a short life limits what a captured one is good for. */
const MAX_AGE_SECONDS = 120;
const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";
// §2.4: explicit typing is recommended; a token without a type is told apart by its claims.
const TYPES = ["logout+jwt", "application/logout+jwt", undefined] as const;

export function createLogoutTokenVerifier(deps: LogoutTokenDeps): LogoutTokenVerifier {
  const { provider, metadata, clock } = deps;
  return async (token) => {
    const header = readJwtHeader(token);
    if (!header.ok) return invalid(header.error);
    const { alg, kid, typ } = header.value;
    // Before looking for a key: what is refused anyway must not cause a request.
    if (!(TYPES as readonly unknown[]).includes(typ)) return invalid("wrong_type");
    if (alg !== provider.idTokenSigningAlg) return invalid("wrong_algorithm");
    if (kid === undefined) return invalid("unknown_key");
    const found = await metadata.key(kid);
    if (!found.ok) {
      return found.error.code === "bearer_invalid"
        ? invalid("unknown_key")
        : err({ kind: "unverifiable", denial: found.error });
    }
    const verified = verifyJwt(token, found.value.key, {
      types: TYPES,
      algorithms: [provider.idTokenSigningAlg],
      issuer: provider.issuer,
      audience: provider.clientId,
      now: clock.now(),
      skewSeconds: CLOCK_SKEW_SECONDS,
      maxAgeSeconds: MAX_AGE_SECONDS,
    });
    return verified.ok ? readClaims(provider.issuer, verified.value.claims) : invalid(verified.error);
  };
}

function readClaims(
  issuer: string,
  claims: Readonly<Record<string, unknown>> & { exp: number },
): Result<LogoutToken, LogoutTokenFault> {
  const { events, jti, sub, sid, exp } = claims;
  if (!isRecord(events) || !Object.hasOwn(events, LOGOUT_EVENT) || !isRecord(events[LOGOUT_EVENT])) {
    return invalid("no_event");
  }
  // §2.4: a nonce is in ID tokens only, so that neither passes for the other.
  if (Object.hasOwn(claims, "nonce")) return invalid("nonce");
  if (!isText(jti)) return invalid("no_jti");
  if (sub === undefined && sid === undefined) return invalid("no_subject");
  if ((sub !== undefined && !isText(sub)) || (sid !== undefined && !isText(sid)))
    return invalid("no_subject");
  const acceptableUntil = (exp + CLOCK_SKEW_SECONDS + 1) * 1000;
  return ok({ issuer, jti, subject: sub ?? null, providerSid: sid ?? null, acceptableUntil });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 255;
}

function invalid(what: Extract<LogoutTokenFault, { kind: "invalid" }>["what"]): Err<LogoutTokenFault> {
  return err({ kind: "invalid", what });
}
