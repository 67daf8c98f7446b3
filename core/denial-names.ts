// What people call the agents and gateways that a denial names by their ids. Pure.
import type { AgentId, EndpointId, GatewayId } from "./ids.ts";
import { plainName } from "./plain-name.ts";

/** From the operator's files; an id where there is no name. */
export type DenialNames = {
  readonly agent: (id: AgentId) => string;
  readonly gateway: (id: GatewayId) => string;
};

/** For who knows no names. */
export const BY_ID: DenialNames = { agent: (id) => id, gateway: (id) => id };

/** `Berlin office (berlin/berlin-1)`: the name for people, the id for whoever they ask. */
export function placeText(
  { gateway, endpoint }: { readonly gateway: GatewayId; readonly endpoint?: EndpointId },
  names: DenialNames,
): string {
  const id = endpoint === undefined ? gateway : `${gateway}/${endpoint}`;
  const name = names.gateway(gateway);
  return name === gateway ? id : `${plainName(name)} (${id})`;
}
