// IT's and ops's files as the product reads them, from what a test writes.
import type { z } from "zod";
import { type AccessPolicy, accessSchema } from "../../config/access.ts";
import { gatewayId } from "../../config/field-values.ts";
import { accessPolicyOf, routingTableOf } from "../../config/policy.ts";
import { type Gateway, type RoutingTable, routesSchema } from "../../config/routes.ts";

export function policyOf(file: z.input<typeof accessSchema>): AccessPolicy {
  return accessPolicyOf(accessSchema.parse(file));
}

export function tableOf(file: z.input<typeof routesSchema>): RoutingTable {
  return routingTableOf(routesSchema.parse(file));
}

export const CATALOGUE = {
  assistant: { name: "Assistant" },
  coder: { name: "Coder" },
  analyst: { name: "Analyst" },
};

export const GATEWAYS = {
  cloud: { endpoints: { "cloud-1": "http://10.0.1.10:18789", "cloud-2": "http://10.0.1.11:18789" } },
  berlin: { endpoints: { "berlin-1": "https://10.8.0.7:18789" } },
};

export function gatewayOf(table: RoutingTable, id: string): Gateway {
  const gateway = table.gateways.get(gatewayId.parse(id));
  if (gateway === undefined) throw new Error(`no gateway ${id}`);
  return gateway;
}
