// The two policy files, already checked, → what deciding and routing read. Pure.
import type { AgentId, EndpointId, GatewayId } from "../core/ids.ts";
import { isUserId } from "../core/ids.ts";
import type { AccessFile, AccessGrant, AccessPolicy, UserAccess } from "./access.ts";
import type { Gateway, RouteRule, RoutesFile, RoutingTable } from "./routes.ts";

/** Grants list agents in the catalogue's order, each once; `*` is exactly the catalogue. */
export function accessPolicyOf(file: AccessFile): AccessPolicy {
  const agents = new Map(entriesOf<AgentId, AccessFile["agents"][AgentId]>(file.agents));
  const catalogue = [...agents.keys()];
  const users = Object.entries(file.users).map(([key, user]): [string, UserAccess] => [
    key,
    { ...grantOf(catalogue, user), deny: user.deny },
  ]);
  const emails = users.filter(([key]) => !isUserId(key));
  return {
    agents,
    groups: new Map(Object.entries(file.groups).map(([name, group]) => [name, grantOf(catalogue, group)])),
    userIds: new Map(users.filter(([key]) => isUserId(key))),
    emails: new Map(emails),
    deniesByEmail: emails.some(([, { deny }]) => deny),
  };
}

export function routingTableOf(file: RoutesFile): RoutingTable {
  const gateways = entriesOf<GatewayId, RoutesFile["gateways"][GatewayId]>(file.gateways).map(
    ([id, gateway]): [GatewayId, Gateway] => [
      id,
      {
        id,
        label: gateway.label ?? id,
        endpoints: entriesOf<EndpointId, string>(gateway.endpoints).map(([endpoint, url]) => ({
          id: endpoint,
          url,
          ...gateway.tls,
        })),
        userHeader: gateway.userHeader?.toLowerCase(),
        sendGroups: gateway.sendGroups,
      },
    ],
  );
  const rules = file.routes.map(
    ({ users, groups, agents, to }, index): RouteRule => ({ index, users, groups, agents, to }),
  );
  return { gateways: new Map(gateways), rules };
}

function grantOf(catalogue: readonly AgentId[], grant: AccessFile["groups"][string]): AccessGrant {
  const all = grant.agents.includes("*");
  return {
    agents: catalogue.filter((agent) => all || grant.agents.includes(agent)),
    roles: [...new Set(grant.roles)],
  };
}

/** Object.entries forgets that the schema has branded the keys. */
function entriesOf<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
