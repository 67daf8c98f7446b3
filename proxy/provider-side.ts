// The door's side of one OpenID provider: where it is, what its tokens must be like, how far its word goes, and one
// way to send requests to it, on which its clock is compared with ours.
import type { ProviderConfig } from "../config/provider.ts";
import type { Audit } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { ClaimRules } from "../token-exchange/identity-from-claims.ts";
import { createProviderClock } from "../token-exchange/provider-clock.ts";
import { createProviderFetch } from "../token-exchange/provider-fetch.ts";
import { createProviderMetadata } from "../token-exchange/provider-metadata.ts";
import { createRefreshRequest } from "../token-exchange/refresh-request.ts";
import { createLogoutTokenVerifier } from "../token-exchange/verify-logout-token.ts";
import { createProviderTokenVerifier } from "../token-exchange/verify-provider-token.ts";
import { createIdTokenVerifier } from "./pages/id-token.ts";

export type ProviderSide = ReturnType<typeof createProviderSide>;

/**
 * @param id its key in the configuration
 * @param reservedPrefixes those in front of other providers' groups
 */
export function createProviderSide(
  id: string,
  config: ProviderConfig,
  reservedPrefixes: readonly string[],
  { clock, log, audit }: { clock: Clock; log: Log; audit: Audit },
) {
  const { issuer, name, groups, bearer } = config;
  const providerClock = createProviderClock({ provider: id, clock, log, audit });
  const providerFetch = providerClock.measured(createProviderFetch(config.timeout)) as typeof fetch;
  const metadata = createProviderMetadata({
    issuer,
    name,
    timeoutMs: config.timeout,
    fetch: providerClock.measured<[string, RequestInit]>(fetch),
    clock,
  });
  const claimRules: ClaimRules = {
    issuer,
    emailTrusted: config.emailTrusted,
    emailDomains: config.emailDomains,
    groupsClaim: groups.claim,
    whenMissing: groups.whenMissing,
    groupsPrefix: groups.prefix,
    reservedPrefixes,
  };
  return {
    id,
    config,
    providerClock,
    providerFetch,
    metadata,
    claimRules,
    verifyIdToken: createIdTokenVerifier({ provider: config, metadata, clock }),
    verifyLogoutToken: createLogoutTokenVerifier({ provider: config, metadata, clock }),
    /** Undefined when its access tokens open nothing here. */
    verifyAccessToken:
      bearer && createProviderTokenVerifier({ provider: config, rules: bearer, metadata, clock }),
    requestRefresh: createRefreshRequest({ provider: config, metadata, fetch: providerFetch, clock }),
  };
}
