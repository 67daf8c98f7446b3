import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { z } from "zod";
import type { routesSchema } from "../../../config/routes.ts";
import type { Identity } from "../../../core/identity.ts";
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

  it("is that of the earliest rule in the file, whatever the rules ask first", () => {
    const asked = [
      { users: ["alice@example.com"] },
      { users: [ALICE.userId] },
      { groups: ["engineering"] },
      { agents: ["coder"] },
      {},
    ];
    for (const first of asked) {
      for (const second of asked) {
        expect(
          ruleFor([
            { ...first, to: "berlin" },
            { ...second, to: "cloud" },
          ]),
        ).toBe("routes[0] berlin");
      }
    }
  });

  it("is the same as by looking at every rule in turn, for any rules and any person", () => {
    const some = (values: string[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
    const rule = fc.record({
      users: some(["alice@example.com", ALICE.userId, "bob@example.com"]),
      groups: some(["engineering", "finance", "it"]),
      agents: some(["assistant", "coder", "analyst"]),
      to: fc.constantFrom("cloud", "berlin"),
    });
    const person = fc.record({
      groups: fc.subarray(["engineering", "finance", "it"]),
      emailTrusted: fc.boolean(),
      email: fc.constantFrom("alice@example.com", "bob@example.com", null),
    });
    const inTurn = (rules: z.input<typeof routesSchema>["routes"], identity: Identity) => {
      const names = [identity.userId, ...(identity.emailTrusted ? [identity.email] : [])];
      const index = rules.findIndex(
        ({ users, groups, agents }) =>
          (users?.some((user) => names.includes(user)) ?? true) &&
          (groups?.some((group) => identity.groups.includes(group)) ?? true) &&
          (agents?.includes(CODER) ?? true),
      );
      return index === -1 ? MISSING : `routes[${index}] ${rules[index]?.to}`;
    };
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), person, (generated, changes) => {
        const rules = generated.map((one) =>
          Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)),
        ) as z.input<typeof routesSchema>["routes"];
        const identity = verifiedAlice(changes);
        expect(ruleFor(rules, identity)).toEqual(inTurn(rules, identity));
      }),
    );
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
