// GET /api/me: who I am, my agents, where each runs. Computed by the functions that enforce.
import type { AccessPolicy } from "../../config/access.ts";
import type { Endpoint, RoutingTable } from "../../config/routes.ts";
import type { AgentState, MeAnswer } from "../../core/api.ts";
import type { Denial } from "../../core/denial.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { AgentId } from "../../core/ids.ts";
import { ok, type Result } from "../../core/result.ts";
import { grantsOf } from "../decide/grants.ts";
import type { LastUse } from "../live/last-use.ts";
import type { LiveConnections } from "../live/live-connections.ts";
import type { Homes } from "../route/homes.ts";
import { route } from "../route/route.ts";

export type MeDeps = {
  readonly access: () => AccessPolicy;
  readonly table: () => RoutingTable;
  readonly homes: Pick<Homes, "of">;
  /** What a new connection to it would find. */
  readonly stateOf: (endpoint: Endpoint) => AgentState;
  readonly lastUse: Pick<LastUse, "of">;
  readonly live: Pick<LiveConnections, "ofUser">;
  /** Null where there is one provider. */
  readonly providerName: (issuer: string) => string | null;
};

export async function describeMe(
  identity: VerifiedIdentity,
  deps: MeDeps,
): Promise<Result<MeAnswer, Denial>> {
  const access = deps.access();
  const grants = grantsOf(identity, access);
  if (!grants.ok) return grants;
  const open = new Set(deps.live.ofUser(identity.userId).flatMap(({ decided }) => decided?.agents ?? []));
  const agents = await Promise.all(
    grants.value.agents.map(async ({ id }) => ({
      id,
      name: access.agents.get(id)?.name ?? id,
      description: access.agents.get(id)?.description ?? "",
      ...(await placeOf(identity, id, deps)),
      open: open.has(id),
      lastUsed: timeOf(await deps.lastUse.of(identity.userId, id)),
    })),
  );
  return ok({
    id: identity.userId,
    email: identity.email,
    name: identity.name,
    provider: deps.providerName(identity.issuer),
    groups: identity.groups,
    roles: grants.value.roles,
    agents,
    session: { sid: identity.sid, expiresAt: new Date(identity.expiresAt).toISOString() },
  });
}

async function placeOf(
  identity: VerifiedIdentity,
  agent: AgentId,
  { table, homes, stateOf }: MeDeps,
): Promise<Pick<MeAnswer["agents"][number], "gateway" | "gatewayLabel" | "state">> {
  const routed = route(identity, agent, table());
  if (!routed.ok) return { gateway: null, gatewayLabel: null, state: "down" };
  const { gateway } = routed.value;
  const endpoint = await homes.of(identity.userId, gateway);
  const state = endpoint === undefined ? "down" : stateOf(endpoint);
  return { gateway: gateway.id, gatewayLabel: gateway.label, state };
}

function timeOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
