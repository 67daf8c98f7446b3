// Verifies the ID token of a login against the provider's published keys. The relying-party library checks its
// claims and nonce but not its signature: it relies on the connection to the token endpoint (OpenID Connect Core
// §3.1.3.7, item 6), and whoever opens that connection could be anybody (S66 to S69, S73).
import type { ProviderConfig } from "../../config/provider.ts";
import { CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { type JwtFault, readJwtHeader, verifyJwt } from "../../core/jwt.ts";
import { type Err, err, ok, type Result } from "../../core/result.ts";
import type { ProviderMetadataSource } from "../../token-exchange/provider-metadata.ts";

export type IdTokenClaims = Readonly<Record<string, unknown>> & { readonly sub: string };

export type IdTokenFault =
  | { readonly kind: "invalid"; readonly fault: JwtFault }
  /** Nobody can tell, for now. */
  | { readonly kind: "unverifiable"; readonly denial: Denial };

export type IdTokenVerifier = (idToken: string) => Promise<Result<IdTokenClaims, IdTokenFault>>;

export type IdTokenDeps = {
  readonly provider: Pick<ProviderConfig, "issuer" | "clientId" | "idTokenSigningAlg">;
  readonly metadata: Pick<ProviderMetadataSource, "key">;
  readonly clock: Clock;
};

/** Thousands of groups fit; the answer it came in was cut at 1 MiB already. */
const MAX_LENGTH = 1024 * 1024;

export function createIdTokenVerifier({ provider, metadata, clock }: IdTokenDeps): IdTokenVerifier {
  return async (idToken) => {
    const header = readJwtHeader(idToken, MAX_LENGTH);
    if (!header.ok) return refuse(header.error);
    const { alg, kid } = header.value;
    // Before looking for a key: what is refused anyway must not cause a request.
    if (alg !== provider.idTokenSigningAlg) return refuse("wrong_algorithm");
    if (kid === undefined) return refuse("unknown_key");
    const found = await metadata.key(kid);
    if (!found.ok) {
      return found.error.code === "bearer_invalid"
        ? refuse("unknown_key")
        : err({ kind: "unverifiable", denial: found.error });
    }
    const verified = verifyJwt(idToken, found.value.key, {
      // OpenID Connect asks for no type; providers put this one or none.
      types: ["jwt", undefined],
      algorithms: [provider.idTokenSigningAlg],
      issuer: provider.issuer,
      audience: provider.clientId,
      now: clock.now(),
      skewSeconds: CLOCK_SKEW_SECONDS,
      maxLength: MAX_LENGTH,
    });
    if (!verified.ok) return refuse(verified.error);
    const { claims } = verified.value;
    if (typeof claims.sub !== "string" || claims.sub === "") return refuse("bad_claims");
    return ok({ ...claims, sub: claims.sub });
  };
}

/** What a login is told that came with such a token. */
export function loginDenialOf(fault: IdTokenFault): Denial {
  if (fault.kind === "unverifiable") return fault.denial;
  return { code: "login_failed", what: `id token: ${fault.fault}`, restartable: false };
}

function refuse(fault: JwtFault): Err<IdTokenFault> {
  return err({ kind: "invalid", fault });
}
