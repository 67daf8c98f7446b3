// One end of a channel: an endpoint of a gateway, as the routing table names it.
import { addressOf, type Endpoint } from "../../config/routes.ts";
import { audienceOf } from "../../core/assertion.ts";
import type { GatewayId } from "../../core/ids.ts";

export type Place = { readonly gateway: GatewayId; readonly endpoint: Endpoint };

/** By name and address: an endpoint that has moved, or gets another certificate, is another one. */
export function keyOf({ gateway, endpoint }: Place): string {
  return `${audienceOf(gateway, endpoint.id)} ${addressOf(endpoint)}`;
}

/** How log and audit lines name it. */
export function namesOf({ gateway, endpoint }: Place): { gateway: string; endpoint: string } {
  return { gateway, endpoint: endpoint.id };
}
