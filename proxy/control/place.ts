// One end of a channel: an endpoint of a gateway, as the routing table names it.
import type { Endpoint } from "../../config/routes.ts";
import type { GatewayId } from "../../core/ids.ts";

export type Place = { readonly gateway: GatewayId; readonly endpoint: Endpoint };

/** How log and audit lines name it. */
export function namesOf({ gateway, endpoint }: Place): { gateway: string; endpoint: string } {
  return { gateway, endpoint: endpoint.id };
}
