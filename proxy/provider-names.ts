// What people are told of providers: through which they signed in, and no groups of somebody else's. Pure.
import type { DenialNames } from "../core/denial-names.ts";
import { type ProviderReach, sayableGroups } from "../token-exchange/provider-reach.ts";

type Provider = { readonly config: { readonly name: string }; readonly claimRules: ProviderReach };

/** @param providers by issuer: whoever none of them vouches for is told of no group */
export function providerNames(
  providers: ReadonlyMap<string, Provider>,
): Pick<DenialNames, "provider" | "groupsOf"> {
  return {
    provider: (issuer) => (providers.size > 1 ? (providers.get(issuer)?.config.name ?? null) : null),
    groupsOf(issuer, groups) {
      const provider = providers.get(issuer);
      return provider === undefined ? [] : sayableGroups(groups, provider.claimRules);
    },
  };
}
