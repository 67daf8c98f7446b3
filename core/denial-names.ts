// What people call what a denial names by its id, and which of it concerns them. Pure.
import type { AgentId, EndpointId, GatewayId } from "./ids.ts";
import { plainName } from "./plain-name.ts";

/** From the operator's files; an id where there is no name. */
export type DenialNames = {
  readonly agent: (id: AgentId) => string;
  readonly gateway: (id: GatewayId) => string;
  /** The provider's name where people choose between several; null where there is nothing to tell apart. */
  readonly provider: (issuer: string) => string | null;
  /** Those of these groups that people of this provider can be in. */
  readonly groupsOf: (issuer: string, groups: readonly string[]) => readonly string[];
};

/** For who knows no names. */
export const BY_ID: DenialNames = {
  agent: (id) => id,
  gateway: (id) => id,
  provider: () => null,
  groupsOf: (_issuer, groups) => groups,
};

/** `Berlin office (berlin/berlin-1)`: the name for people, the id for whoever they ask. */
export function placeText(
  { gateway, endpoint }: { readonly gateway: GatewayId; readonly endpoint?: EndpointId },
  names: DenialNames,
): string {
  const id = endpoint === undefined ? gateway : `${gateway}/${endpoint}`;
  const name = names.gateway(gateway);
  return name === gateway ? id : `${plainName(name)} (${id})`;
}
