import { describe, expect, it, test } from "vitest";
import type { Identity } from "../../../core/identity.ts";
import { userIdOf } from "../../../core/ids.ts";
import { err, ok } from "../../../core/result.ts";
import { grantsOf, groupsGranting } from "../../../proxy/decide/grants.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { ISSUER } from "../../support/provider-fixture.ts";
import { CATALOGUE, policyOf } from "../policy-fixture.ts";

const ALICE_ID = verifiedAlice().userId;
const POLICY = policyOf({
  agents: CATALOGUE,
  groups: {
    engineering: { agents: ["coder", "assistant"] },
    staff: { agents: ["assistant"] },
    it: { agents: ["*"], roles: ["it"] },
    platform: { roles: ["ops"] },
  },
});

function grants(changes: Partial<Identity>, policy = POLICY) {
  return grantsOf(verifiedAlice(changes), policy);
}

const NOTHING = ok({ agents: [], roles: [] });

describe("what a person gets", () => {
  it("is nothing by default", () => {
    expect(grants({ groups: [] })).toEqual(NOTHING);
    expect(grants({ groups: ["marketing"] })).toEqual(NOTHING);
  });

  it("is each agent once, in the catalogue's order, with every rule that grants it", () => {
    expect(grants({ groups: ["staff", "engineering"] })).toEqual(
      ok({
        agents: [
          { id: "assistant", because: ['groups["staff"]', 'groups["engineering"]'] },
          { id: "coder", because: ['groups["engineering"]'] },
        ],
        roles: [],
      }),
    );
  });

  it("is exactly the catalogue by `*`", () => {
    expect(grants({ groups: ["it"] })).toEqual(
      ok({
        agents: Object.keys(CATALOGUE).map((id) => ({ id, because: ['groups["it"]'] })),
        roles: ["it"],
      }),
    );
  });

  it("is every role once, with or without agents", () => {
    expect(grants({ groups: ["platform", "it", "platform"] })).toMatchObject({
      value: { roles: ["ops", "it"] },
    });
    expect(grants({ groups: ["platform"] })).toEqual(ok({ agents: [], roles: ["ops"] }));
  });

  test.each([
    "Engineering",
    "engineering ",
    "staff,it",
    "it\u200b",
    "\u212aeng",
    "constructor",
    "__proto__",
    "toString",
    "",
  ])("is nothing by a group that only looks like one: %j", (group) => {
    expect(grants({ groups: [group] })).toEqual(NOTHING);
  });

  it("may come by user id, whatever the e-mail is worth", () => {
    const policy = policyOf({
      agents: CATALOGUE,
      users: { [ALICE_ID]: { agents: ["coder"], roles: ["it"] } },
    });
    expect(grants({ groups: [], emailTrusted: false, email: null }, policy)).toEqual(
      ok({ agents: [{ id: "coder", because: [`users["${ALICE_ID}"]`] }], roles: ["it"] }),
    );
  });
});

describe("a rule by e-mail", () => {
  const granting = policyOf({
    agents: CATALOGUE,
    users: { "Alice@Example.com": { agents: ["coder"], roles: ["ops"] } },
  });
  const denying = policyOf({
    agents: CATALOGUE,
    groups: { engineering: { agents: ["coder"] } },
    users: { "Alice@Example.com": { deny: true, agents: ["analyst"] } },
  });

  it("grants only if the e-mail is trusted", () => {
    expect(grants({ groups: [] }, granting)).toEqual(
      ok({ agents: [{ id: "coder", because: ['users["alice@example.com"]'] }], roles: ["ops"] }),
    );
    expect(grants({ groups: [], emailTrusted: false }, granting)).toEqual(NOTHING);
    expect(grants({ groups: [], email: null }, granting)).toEqual(NOTHING);
  });

  it("denies whether the e-mail is trusted or not, and beats every grant", () => {
    const denied = err({ code: "user_denied", rule: 'users["alice@example.com"]' });
    expect(grants({}, denying)).toEqual(denied);
    expect(grants({ emailTrusted: false }, denying)).toEqual(denied);
  });

  it("that denies refuses everybody without an e-mail", () => {
    expect(grants({ email: null, emailTrusted: false }, denying)).toEqual(err({ code: "email_missing" }));
  });

  it("that denies leaves others alone", () => {
    expect(grants({ email: "bob@example.com" }, denying)).toMatchObject({
      value: { agents: [{ id: "coder" }] },
    });
  });
});

describe("a denial by user id", () => {
  const policy = policyOf({
    agents: CATALOGUE,
    groups: { it: { agents: ["*"], roles: ["it"] } },
    users: { [ALICE_ID]: { deny: true }, "alice@example.com": { agents: ["*"] } },
  });

  it("beats every grant", () => {
    expect(grants({ groups: ["it"] }, policy)).toEqual(
      err({ code: "user_denied", rule: `users["${ALICE_ID}"]` }),
    );
  });

  it("does not ask for an e-mail of others", () => {
    const bob = verifiedAlice({ userId: userIdOf(ISSUER, "bob-1"), email: null });
    expect(grantsOf({ ...bob, groups: ["it"] }, policy).ok).toBe(true);
  });
});

test("the groups that grant an agent are named in the policy's order, `*` included", () => {
  expect(groupsGranting(agentId("assistant"), POLICY)).toEqual(["engineering", "staff", "it"]);
  expect(groupsGranting(agentId("analyst"), POLICY)).toEqual(["it"]);
});
