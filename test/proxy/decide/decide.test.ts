import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { z } from "zod";
import type { accessSchema } from "../../../config/access.ts";
import { err } from "../../../core/result.ts";
import { decide } from "../../../proxy/decide/decide.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { CATALOGUE, policyOf } from "../policy-fixture.ts";

const ALICE = verifiedAlice();
const POLICY = policyOf({
  agents: CATALOGUE,
  groups: {
    engineering: { agents: ["coder", "assistant"] },
    finance: { agents: ["analyst"] },
    it: { agents: ["*"] },
  },
  users: { "eve@example.com": { deny: true } },
});

const named = (agent: string) => ({ kind: "agent", agent }) as const;

describe("deciding on one agent", () => {
  it("grants that one and no other, and says by which rules", () => {
    expect(decide(ALICE, named("coder"), POLICY)).toEqual({
      ok: true,
      value: { identity: ALICE, agent: "coder", agents: ["coder"], reason: 'groups["engineering"]' },
    });
  });

  it("names every rule that grants it", () => {
    const both = verifiedAlice({ groups: ["it", "engineering"] });
    expect(decide(both, named("coder"), POLICY)).toMatchObject({
      value: { reason: 'groups["it"], groups["engineering"]' },
    });
  });

  it("refuses an agent of the catalogue, and says which groups would grant it", () => {
    expect(decide(ALICE, named("analyst"), POLICY)).toEqual(
      err({
        code: "agent_not_allowed",
        agent: "analyst",
        grantedBy: ["finance", "it"],
        issuer: ALICE.issuer,
      }),
    );
  });

  test.each([
    "ghost",
    "Coder",
    "coder ",
    "",
    "*",
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "a/b",
  ])("does not know the agent %j, whoever asks", (agent) => {
    const everything = verifiedAlice({ groups: ["it"] });
    expect(decide(everything, named(agent), POLICY)).toEqual(err({ code: "agent_unknown", agent }));
  });

  it("refuses by name before it says anything about agents", () => {
    const eve = verifiedAlice({ email: "eve@example.com", emailTrusted: false });
    for (const agent of ["coder", "analyst", "ghost"]) {
      expect(decide(eve, named(agent), POLICY)).toEqual(
        err({ code: "user_denied", rule: 'users["eve@example.com"]' }),
      );
    }
  });
});

describe("deciding without a name", () => {
  it("takes the first agent in the catalogue's order and grants all that the person has", () => {
    expect(decide(ALICE, { kind: "first" }, POLICY)).toEqual({
      ok: true,
      value: {
        identity: ALICE,
        agent: "assistant",
        agents: ["assistant", "coder"],
        reason: 'groups["engineering"]',
      },
    });
  });

  it("refuses who has none", () => {
    expect(decide(verifiedAlice({ groups: [] }), { kind: "first" }, POLICY)).toEqual(
      err({ code: "no_agents" }),
    );
  });
});

describe("any policy and any person", () => {
  const AGENTS = ["a", "b", "c"];
  const GROUPS = ["one", "two", "three", "constructor"];
  const EMAILS = ["alice@example.com", "bob@example.com"];
  type Policy = z.input<typeof accessSchema>;

  const grant = fc.record({ agents: fc.uniqueArray(fc.constantFrom(...AGENTS, "*")) });
  const user = fc.record({ agents: fc.uniqueArray(fc.constantFrom(...AGENTS, "*")), deny: fc.boolean() });
  const policies: fc.Arbitrary<Policy> = fc.record({
    agents: fc
      .subarray(AGENTS, { minLength: 3 })
      .map((ids) => Object.fromEntries(ids.map((id) => [id, { name: id }]))),
    groups: fc.dictionary(fc.constantFrom(...GROUPS), grant),
    users: fc.dictionary(fc.constantFrom(...EMAILS, ALICE.userId), user),
  });
  const people = fc
    .record({
      email: fc.constantFrom(null, ...EMAILS, "carol@example.com"),
      emailTrusted: fc.boolean(),
      groups: fc.subarray(GROUPS),
    })
    .map(verifiedAlice);

  const allowed = (person: typeof ALICE, policy: Policy) =>
    [...AGENTS, "constructor"].filter((agent) => decide(person, named(agent), policyOf(policy)).ok);

  /** What the policy's comments say, word for word and without regard to order or reasons. */
  function model(person: typeof ALICE, policy: Policy): string[] {
    const users = Object.entries(policy.users ?? {});
    const mine = users.filter(([key]) => key === person.userId || key === person.email);
    if (mine.some(([, rule]) => rule.deny)) return [];
    if (person.email === null && users.some(([key, rule]) => rule.deny && key.includes("@"))) return [];
    const rules = [
      ...Object.entries(policy.groups ?? {}).filter(([group]) => person.groups.includes(group)),
      ...mine.filter(([key]) => key === person.userId || person.emailTrusted),
    ];
    return AGENTS.filter((agent) =>
      rules.some(([, { agents = [] }]) => agents.includes(agent) || agents.includes("*")),
    );
  }

  it("are decided as a naive reading of the rules says", () => {
    fc.assert(
      fc.property(people, policies, (person, policy) => {
        expect(allowed(person, policy)).toEqual(model(person, policy));
      }),
      { numRuns: 500 },
    );
  });

  it("never get more access by one more denial", () => {
    fc.assert(
      fc.property(people, policies, fc.constantFrom(...EMAILS, ALICE.userId), (person, policy, denied) => {
        const stricter = {
          ...policy,
          users: { ...policy.users, [denied]: { ...policy.users?.[denied], deny: true } },
        };
        const before = allowed(person, policy);
        expect(before).toEqual(expect.arrayContaining(allowed(person, stricter)));
      }),
    );
  });

  it("get by `first` exactly what they get by name", () => {
    fc.assert(
      fc.property(people, policies, (person, policy) => {
        const first = decide(person, { kind: "first" }, policyOf(policy));
        expect(first.ok ? [...first.value.agents].sort() : []).toEqual(allowed(person, policy));
      }),
    );
  });
});
