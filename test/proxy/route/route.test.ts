import { describe, expect, it, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { route } from "../../../proxy/route/route.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { GATEWAYS, gatewayOf, tableOf } from "../policy-fixture.ts";

const ALICE = verifiedAlice();
const CODER = agentId("coder");

function ruleFor(routes: Parameters<typeof tableOf>[0]["routes"], identity = ALICE, agent = CODER) {
  const routed = route(identity, agent, tableOf({ gateways: GATEWAYS, routes }));
  return routed.ok ? `${routed.value.rule} ${routed.value.gateway.id}` : routed.error;
}

const MISSING = { code: "route_missing", agent: "coder" };

describe("a route", () => {
  it("is the gateway of the first rule that holds, with the rule's place in the file", () => {
    const table = tableOf({
      gateways: GATEWAYS,
      routes: [{ agents: ["analyst"], to: "berlin" }, { to: "cloud" }, { to: "berlin" }],
    });
    expect(route(ALICE, CODER, table)).toEqual(ok({ gateway: gatewayOf(table, "cloud"), rule: "routes[1]" }));
  });

  it("is missing when no rule holds, or there is none", () => {
    const table = tableOf({ gateways: GATEWAYS, routes: [] });
    expect(route(ALICE, CODER, table)).toEqual(err(MISSING));
    expect(ruleFor([{ agents: ["analyst"], to: "cloud" }])).toEqual(MISSING);
  });

  it("is missing when its gateway is not in the table: nothing later in the list takes its place", () => {
    const table = tableOf({ gateways: GATEWAYS, routes: [{ to: "tokyo" }, { to: "cloud" }] });
    expect(route(ALICE, CODER, table)).toEqual(err(MISSING));
  });

  test.each([
    ["an agent", { agents: ["assistant", "coder"] }, true],
    ["another agent", { agents: ["assistant"] }, false],
    ["any of some groups", { groups: ["finance", "engineering"] }, true],
    ["other groups", { groups: ["finance"] }, false],
    ["a group in another case", { groups: ["Engineering"] }, false],
    ["an e-mail", { users: ["bob@example.com", "Alice@Example.com"] }, true],
    ["a user id", { users: [ALICE.userId] }, true],
    ["another person", { users: ["bob@example.com"] }, false],
    [
      "everything at once",
      { agents: ["coder"], groups: ["engineering"], users: ["alice@example.com"] },
      true,
    ],
    [
      "everything, but the agent is another",
      { agents: ["analyst"], groups: ["engineering"], users: ["alice@example.com"] },
      false,
    ],
    [
      "everything, but the group is another",
      { agents: ["coder"], groups: ["finance"], users: ["alice@example.com"] },
      false,
    ],
    [
      "everything, but the person is another",
      { agents: ["coder"], groups: ["engineering"], users: ["bob@example.com"] },
      false,
    ],
  ])("may ask for %s", (_what, conditions, holds) => {
    expect(ruleFor([{ ...conditions, to: "berlin" }, { to: "cloud" }])).toBe(
      holds ? "routes[0] berlin" : "routes[1] cloud",
    );
  });

  it("is not had by an e-mail that is not trusted, nor by none", () => {
    const routes = [{ users: ["alice@example.com"], to: "berlin" }, { to: "cloud" }];
    expect(ruleFor(routes, verifiedAlice({ emailTrusted: false }))).toBe("routes[1] cloud");
    expect(ruleFor(routes, verifiedAlice({ email: null, emailTrusted: true }))).toBe("routes[1] cloud");
  });

  it("by user id needs no e-mail", () => {
    const nameless = verifiedAlice({ email: null, emailTrusted: false });
    expect(ruleFor([{ users: [ALICE.userId], to: "berlin" }], nameless)).toBe("routes[0] berlin");
  });
});
