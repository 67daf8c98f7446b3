// Verifies an access token of the OpenID provider that was issued for this front door (RFC 9068 §4). An ID token
// is not one (RFC 8725 §3.12), nor is a token bound to a key that a plain bearer cannot prove.
import type { ProviderConfig } from "../config/provider.ts";
import { CLOCK_SKEW_SECONDS } from "../core/assertion.ts";
import type { Clock } from "../core/clock.ts";
import type { BearerFault, Denial } from "../core/denial.ts";
import { readJwtHeader, verifyJwt } from "../core/jwt.ts";
import { type Err, err, ok, type Result } from "../core/result.ts";
import { claimedIssuer } from "./claimed-issuer.ts";
import type { ProviderMetadataSource } from "./provider-metadata.ts";

export type ProviderToken = {
  readonly issuer: string;
  readonly subject: string;
  /** The provider's name for the client that got it. */
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Verified to be the provider's words; what they mean is read elsewhere. */
  readonly claims: Readonly<Record<string, unknown>>;
};

export type ProviderTokenVerifier = (token: string) => Promise<Result<ProviderToken, Denial>>;

export type ProviderTokenDeps = {
  readonly provider: Pick<ProviderConfig, "issuer" | "clientId">;
  readonly rules: NonNullable<ProviderConfig["bearer"]>;
  readonly metadata: Pick<ProviderMetadataSource, "key">;
  readonly clock: Clock;
};

/** The verifier of untrusted `Authorization: Bearer` texts at `GET /api/token`. */
export function createProviderTokenVerifier(deps: ProviderTokenDeps): ProviderTokenVerifier {
  const { provider, rules, metadata, clock } = deps;
  const types = rules.types.map((type) => (type === "none" ? undefined : type));

  return async (token) => {
    if (isOpaque(token)) return refuse("opaque");
    const header = readJwtHeader(token);
    if (!header.ok) return refuse(header.error);
    const { alg, kid, typ } = header.value;
    // Before looking for a key: what is refused anyway must not cause a request.
    if (!types.includes(typ as (typeof types)[number])) return refuse("wrong_type");
    if (!(rules.algorithms as readonly string[]).includes(alg)) return refuse("wrong_algorithm");
    if (kid === undefined) return refuse("unknown_key");
    const found = await metadata.key(kid);
    if (!found.ok) return found;
    const { key, alg: keyAlgorithm } = found.value;
    const verified = verifyJwt(token, key, {
      types,
      algorithms: rules.algorithms.filter((each) => keyAlgorithm === undefined || each === keyAlgorithm),
      issuer: provider.issuer,
      audience: rules.audience,
      now: clock.now(),
      skewSeconds: CLOCK_SKEW_SECONDS,
    });
    if (!verified.ok) return refuse(verified.error);
    const { claims } = verified.value;
    if (isIdToken(claims, provider.clientId)) return refuse("id_token");
    // RFC 9449 §7.2, RFC 8705 §3: a bound token shown without its proof may be a stolen one.
    if (claims["cnf"] !== undefined) return refuse("bad_claims");
    const { sub } = claims;
    if (typeof sub !== "string" || sub === "" || sub.length > MAX_SUBJECT_LENGTH) return refuse("no_subject");
    return ok({
      issuer: provider.issuer,
      subject: sub,
      clientId: clientIdOf(claims),
      issuedAt: claims.iat * 1000,
      expiresAt: claims.exp * 1000,
      claims,
    });
  };
}

/** The verifier of tokens of several providers: each token goes to the one that it claims to be from. */
export function chooseProviderTokenVerifier(
  byIssuer: ReadonlyMap<string, ProviderTokenVerifier>,
): ProviderTokenVerifier {
  return async (token) => {
    if (isOpaque(token)) return refuse("opaque");
    const verifier = claimedIssuer(token, byIssuer);
    return verifier.ok ? verifier.value(token) : refuse(verifier.error);
  };
}

/** OpenID Connect Core §2: `sub` has at most 255 characters. */
const MAX_SUBJECT_LENGTH = 255;

function isOpaque(token: string): boolean {
  return token.indexOf(".") === token.lastIndexOf(".");
}

// OpenID Connect Core §2 and §3.1.3.6: an ID token is for the client itself; these claims are only in ID tokens.
function isIdToken(claims: Readonly<Record<string, unknown>>, clientId: string): boolean {
  const { aud, nonce, at_hash, c_hash } = claims;
  if (nonce !== undefined || at_hash !== undefined || c_hash !== undefined) return true;
  return aud === clientId || (Array.isArray(aud) && aud.includes(clientId));
}

// RFC 9068 says client_id; Keycloak, Auth0 and Entra say azp, Okta says cid. It decides nothing.
function clientIdOf({ client_id, azp, cid }: Readonly<Record<string, unknown>>): string {
  for (const id of [client_id, azp, cid]) if (typeof id === "string" && id !== "") return id;
  return "unknown";
}

function refuse(fault: BearerFault): Err<Denial> {
  return err({ code: "bearer_invalid", fault });
}
