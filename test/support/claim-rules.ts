// How claims are read of the only provider that there is, with the configuration's defaults.
import type { ClaimRules } from "../../token-exchange/identity-from-claims.ts";

export function claimRules(issuer: string, changes: Partial<ClaimRules> = {}): ClaimRules {
  return {
    issuer,
    emailTrusted: false,
    emailDomains: undefined,
    groupsClaim: "groups",
    whenMissing: "refuse",
    groupsPrefix: "",
    reservedPrefixes: [],
    ...changes,
  };
}
