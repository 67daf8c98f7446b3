// The door's side of the OpenID provider: where it is, what its tokens must be like, and one way to send requests to
// it, on which its clock is compared with ours.
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Audit } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { ClaimRules } from "../token-exchange/identity-from-claims.ts";
import { createProviderClock } from "../token-exchange/provider-clock.ts";
import { createProviderFetch } from "../token-exchange/provider-fetch.ts";
import { createProviderMetadata } from "../token-exchange/provider-metadata.ts";
import { createRefreshRequest } from "../token-exchange/refresh-request.ts";
import { createIdTokenVerifier } from "./pages/id-token.ts";

export type ProviderSide = ReturnType<typeof createProviderSide>;

export function createProviderSide(
  { provider, groups }: Pick<FrontDoorConfig, "provider" | "groups">,
  { clock, log, audit }: { clock: Clock; log: Log; audit: Audit },
) {
  const providerClock = createProviderClock({ clock, log, audit });
  const providerFetch = providerClock.measured(createProviderFetch(provider.timeout)) as typeof fetch;
  const metadata = createProviderMetadata({
    issuer: provider.issuer,
    name: provider.name,
    timeoutMs: provider.timeout,
    fetch: providerClock.measured<[string, RequestInit]>(fetch),
    clock,
  });
  const claimRules: ClaimRules = {
    issuer: provider.issuer,
    emailTrusted: provider.emailTrusted,
    groupsClaim: groups.claim,
    whenMissing: groups.whenMissing,
  };
  return {
    providerClock,
    providerFetch,
    metadata,
    claimRules,
    verifyIdToken: createIdTokenVerifier({ provider, metadata, clock }),
    requestRefresh: createRefreshRequest({ provider, metadata, fetch: providerFetch, clock }),
  };
}
