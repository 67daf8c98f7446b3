// A grant of Alice's and the endpoint it goes to, made by the stages that make them: no test can forge either.

import type { Endpoint } from "../../config/routes.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { Grant } from "../../proxy/decide/decide.ts";
import { decide } from "../../proxy/decide/decide.ts";
import type { EndpointState } from "../../proxy/route/health.ts";
import { createRouter, type Upstream } from "../../proxy/route/pick-endpoint.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { CATALOGUE, policyOf, tableOf } from "./policy-fixture.ts";

const POLICY = policyOf({ agents: CATALOGUE, groups: { everybody: { agents: ["*"] } } });

/** Of every agent, or of one by its name. */
export function grantOf(changes: Partial<VerifiedIdentity> = {}, agent?: string): Grant {
  const identity = verifiedAlice({ groups: ["everybody"], ...changes });
  const granted = decide(
    identity,
    agent === undefined ? { kind: "first" } : { kind: "agent", agent },
    POLICY,
  );
  if (!granted.ok) throw new Error(granted.error.code);
  return granted.value;
}

type GatewayFile = Parameters<typeof tableOf>[0]["gateways"][string];

/** The one endpoint `cloud-1` of the gateway `cloud`. */
export async function upstreamOf(
  url = "http://10.0.1.10:18789",
  gateway: Omit<GatewayFile, "endpoints"> = {},
  grant = grantOf(),
): Promise<Upstream> {
  const table = tableOf({
    gateways: { cloud: { endpoints: { "cloud-1": url }, ...gateway } },
    routes: [{ to: "cloud" }],
  });
  const route = createRouter({
    homeOf: async (_user, { endpoints }) => endpoints[0],
    health: healthOf("up"),
  });
  const upstream = await route(grant, table);
  if (!upstream.ok) throw new Error(upstream.error.code);
  return upstream.value;
}

/** A health that says what it is told to, and keeps what it was told. */
export function healthOf(state: EndpointState) {
  const reported: string[] = [];
  return {
    reported,
    stateOf: () => state,
    faultOf: () => undefined,
    report: (endpoint: Endpoint, told: EndpointState) => void reported.push(`${endpoint.id} ${told}`),
    close: async () => {},
  };
}
