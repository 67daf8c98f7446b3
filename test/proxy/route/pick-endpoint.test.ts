import { describe, expect, it } from "vitest";
import type { Endpoint, Gateway } from "../../../config/routes.ts";
import type { UserId } from "../../../core/ids.ts";
import { err } from "../../../core/result.ts";
import type { Grant } from "../../../proxy/decide/decide.ts";
import type { EndpointState } from "../../../proxy/route/health.ts";
import { createRouter } from "../../../proxy/route/pick-endpoint.ts";
import { GATEWAYS, gatewayOf, tableOf } from "../policy-fixture.ts";
import { grantOf, healthOf } from "../upstream-fixture.ts";

const TABLE = tableOf({
  gateways: GATEWAYS,
  routes: [
    { agents: ["analyst"], to: "berlin" },
    { agents: ["assistant", "coder"], to: "cloud" },
  ],
});

type Home = (user: UserId, gateway: Gateway) => Endpoint | undefined;

function pick(grant: Grant, state: EndpointState = "up", home: Home = lastEndpoint, table = TABLE) {
  const homeOf = async (user: UserId, gateway: Gateway) => home(user, gateway);
  return createRouter({ homeOf, health: healthOf(state) })(grant, table);
}

const lastEndpoint: Home = (_user, gateway) => gateway.endpoints.at(-1);

describe("picking an endpoint", () => {
  it("takes the person's home, and says by which rule", async () => {
    const cloud = gatewayOf(TABLE, "cloud");
    expect(await pick(grantOf({}, "coder"))).toEqual({
      ok: true,
      value: {
        gateway: cloud,
        endpoint: cloud.endpoints[1],
        agents: ["coder"],
        reason: "routes[1], home cloud-2",
      },
    });
  });

  it("asks for the home of this person at this gateway", async () => {
    const asked: string[] = [];
    const grant = grantOf({}, "analyst");
    await pick(grant, "up", (user, gateway) => {
      asked.push(`${user} ${gateway.id}`);
      return gateway.endpoints[0];
    });
    expect(asked).toEqual([`${grant.identity.userId} berlin`]);
  });

  it("names only those of the granted agents that this gateway serves to this person", async () => {
    expect(grantOf().agents).toEqual(["assistant", "coder", "analyst"]);
    expect(await pick(grantOf())).toMatchObject({ value: { agents: ["assistant", "coder"] } });
  });

  it("refuses when no rule holds", async () => {
    const table = tableOf({ gateways: GATEWAYS, routes: [{ agents: ["analyst"], to: "berlin" }] });
    expect(await pick(grantOf({}, "coder"), "up", lastEndpoint, table)).toEqual(
      err({ code: "route_missing", agent: "coder" }),
    );
  });

  it("refuses when the home is down, though another endpoint is up: the history is there", async () => {
    expect(await pick(grantOf({}, "coder"), "down")).toEqual(
      err({ code: "home_unavailable", gateway: "cloud", endpoint: "cloud-2" }),
    );
  });

  it("refuses when the gateway has no endpoint for this person", async () => {
    expect(await pick(grantOf({}, "coder"), "up", () => undefined)).toEqual(
      err({ code: "gateway_unavailable", gateway: "cloud" }),
    );
  });
});
