// Ops's rules by what each asks first, so that finding the one that holds costs the same for ten rules and for ten
// thousand. Only an order of looking: whether a rule holds is said in route.ts. Pure.
import type { RouteRule, RoutingTable } from "../../config/routes.ts";
import type { Identity } from "../../core/identity.ts";
import type { AgentId } from "../../core/ids.ts";

type RuleIndex = {
  readonly byUser: ReadonlyMap<string, readonly RouteRule[]>;
  readonly byGroup: ReadonlyMap<string, readonly RouteRule[]>;
  readonly byAgent: ReadonlyMap<AgentId, readonly RouteRule[]>;
  readonly always: readonly RouteRule[];
};

const indexes = new WeakMap<RoutingTable, RuleIndex>();

/** The rules that could hold, in lists that each are in the file's order; a rule left out cannot hold. */
export function rulesThatCouldHold(
  identity: Identity,
  agent: AgentId,
  table: RoutingTable,
): readonly (readonly RouteRule[])[] {
  const { byUser, byGroup, byAgent, always } = indexOf(table);
  const lists = [always, byAgent.get(agent), byUser.get(identity.userId), byUser.get(identity.email ?? "")];
  for (const group of identity.groups) lists.push(byGroup.get(group));
  return lists.filter((list) => list !== undefined);
}

function indexOf(table: RoutingTable): RuleIndex {
  const known = indexes.get(table);
  if (known !== undefined) return known;
  const byUser = new Map<string, RouteRule[]>();
  const byGroup = new Map<string, RouteRule[]>();
  const byAgent = new Map<AgentId, RouteRule[]>();
  const always: RouteRule[] = [];
  // Each under its narrowest condition only: the others are looked at when it is found.
  for (const rule of table.rules) {
    if (rule.users !== undefined) for (const user of rule.users) add(byUser, user, rule);
    else if (rule.groups !== undefined) for (const group of rule.groups) add(byGroup, group, rule);
    else if (rule.agents !== undefined) for (const agent of rule.agents) add(byAgent, agent, rule);
    else always.push(rule);
  }
  const index = { byUser, byGroup, byAgent, always };
  indexes.set(table, index);
  return index;
}

function add<Key>(index: Map<Key, RouteRule[]>, key: Key, rule: RouteRule): void {
  const rules = index.get(key);
  if (rules === undefined) index.set(key, [rule]);
  else rules.push(rule);
}
