// Fourth stage, its other half: the endpoint of the gateway, by the person's home and by what answers.
import type { Endpoint, Gateway, RoutingTable } from "../../config/routes.ts";
import type { Denial } from "../../core/denial.ts";
import type { AgentId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Grant } from "../decide/decide.ts";
import type { Health } from "./health.ts";
import type { Homes } from "./homes.ts";
import { route } from "./route.ts";

declare const routed: unique symbol;
/** Only {@link createRouter} makes one. */
export type Upstream = {
  readonly gateway: Gateway;
  readonly endpoint: Endpoint;
  /** Those of the grant's agents that this gateway serves to this person. */
  readonly agents: readonly AgentId[];
  /** `routes[1], home cloud-2`, for the audit line. */
  readonly reason: string;
  readonly [routed]: true;
};

/** @param table of the same policy snapshot that the grant was decided by */
export type Router = (grant: Grant, table: RoutingTable) => Promise<Result<Upstream, Denial>>;

/** @param deps.homeOf `settle` where the person uses it, `of` where it is only asked what would be */
export function createRouter(deps: { homeOf: Homes["of"]; health: Health }): Router {
  return async (grant, table) => {
    const picked = route(grant.identity, grant.agent, table);
    if (!picked.ok) return picked;
    const { gateway, rule } = picked.value;
    const endpoint = await deps.homeOf(grant.identity.userId, gateway);
    if (endpoint === undefined) return err({ code: "gateway_unavailable", gateway: gateway.id });
    if (deps.health.stateOf(endpoint) === "down") {
      return err({ code: "home_unavailable", gateway: gateway.id, endpoint: endpoint.id });
    }
    const agents = grant.agents.filter((agent) => {
      if (agent === grant.agent) return true;
      const other = route(grant.identity, agent, table);
      return other.ok && other.value.gateway.id === gateway.id;
    });
    return ok(upstream({ gateway, endpoint, agents, reason: `${rule}, home ${endpoint.id}` }));
  };
}

function upstream(facts: Omit<Upstream, typeof routed>): Upstream {
  return facts as Upstream;
}
