// All OpenID providers that the configuration names. Which of them a session, a token or a login belongs to is told by
// its issuer, or by its id where our own URLs name it.
import type { FrontDoorConfig } from "../config/front-door.ts";
import { createProviderSide, type ProviderSide } from "./provider-side.ts";

export type ProviderSides = {
  /** In the order of the configuration; at least one. */
  readonly all: readonly ProviderSide[];
  readonly byIssuer: ReadonlyMap<string, ProviderSide>;
};

export function createProviderSides(
  providers: FrontDoorConfig["providers"],
  deps: Parameters<typeof createProviderSide>[3],
): ProviderSides {
  const entries = Object.entries(providers);
  const all = entries.map(([id, provider]) => {
    const others = entries.filter(([other]) => other !== id).map(([, { groups }]) => groups.prefix);
    return createProviderSide(
      id,
      provider,
      others.filter((prefix) => prefix !== ""),
      deps,
    );
  });
  return { all, byIssuer: new Map(all.map((side) => [side.config.issuer, side])) };
}

/** The claims that groups are read from, for a refusal that cannot tell whose groups were too many. */
export function groupsClaims(providers: FrontDoorConfig["providers"]): string {
  const claims = Object.values(providers).map(({ groups }) => groups.claim);
  return [...new Set(claims)].join(" or ");
}
