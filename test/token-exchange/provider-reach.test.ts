import { describe, expect, it } from "vitest";
import {
  countsAsVerified,
  isWithinReach,
  type ProviderReach,
  reservedGroup,
  sayableGroups,
} from "../../token-exchange/provider-reach.ts";

const OWN: ProviderReach = {
  groupsPrefix: "",
  reservedPrefixes: ["p/", "q:"],
  emailDomains: ["example.com"],
  emailTrusted: false,
};
const PARTNER: ProviderReach = {
  groupsPrefix: "p/",
  reservedPrefixes: ["q:"],
  emailDomains: [],
  emailTrusted: false,
};
const ALONE: ProviderReach = {
  groupsPrefix: "",
  reservedPrefixes: [],
  emailDomains: undefined,
  emailTrusted: false,
};

describe("a group", () => {
  it.each([
    [["a", "p/x"], { group: "p/x", prefix: "p/" }],
    [["q:", "p/x"], { group: "q:", prefix: "q:" }],
    [["a", "p", "P/x", "ap/", " p/"], undefined],
    [[], undefined],
  ])("of %j that is another's to say: %j", (groups, expected) => {
    expect(reservedGroup(groups, OWN)).toEqual(expected);
  });
});

describe("of the groups a, p/x and q:y", () => {
  it.each([
    [OWN, ["a"]],
    [PARTNER, ["p/x"]],
    [ALONE, ["a", "p/x", "q:y"]],
  ])("a provider with %o can say %j", (reach, expected) => {
    expect(sayableGroups(["a", "p/x", "q:y"], reach)).toEqual(expected);
  });
});

describe("an e-mail", () => {
  it.each([
    ["alice@example.com", OWN, true],
    ["alice@sub.example.com", OWN, false],
    ["alice@example.com.evil.example", OWN, false],
    ["alice@notexample.com", OWN, false],
    ["alice@example.com.", OWN, false],
    ["alice@example.com", PARTNER, false],
    ["alice@anything", ALONE, true],
  ])("%s may be vouched for, by a provider with %o: %s", (email, reach, expected) => {
    expect(countsAsVerified({ email, emailVerified: true }, reach)).toBe(expected);
    // By the operator's word no more than by the provider's.
    expect(countsAsVerified({ email, emailVerified: false }, { ...reach, emailTrusted: true })).toBe(
      expected,
    );
    expect(countsAsVerified({ email, emailVerified: false }, reach)).toBe(false);
  });

  it("that is none counts as nothing", () => {
    expect(countsAsVerified({ email: null, emailVerified: true }, { ...ALONE, emailTrusted: true })).toBe(
      false,
    );
  });
});

describe("what a session holds", () => {
  const held = { groups: ["a"], email: "alice@example.com", emailVerified: true, emailTrusted: true };
  const nobody = { email: null, emailVerified: false, emailTrusted: false };
  const byOperator = { ...held, emailVerified: false };
  it.each([
    ["as its provider still says it", held, OWN, true],
    ["without groups and e-mail", { ...nobody, groups: [] }, PARTNER, true],
    ["a group without the prefix", { ...held, emailTrusted: false }, PARTNER, false],
    ["groups of which one has the prefix", { ...nobody, groups: ["p/a", "a"] }, PARTNER, false],
    ["a group that is another's by now", { ...held, groups: ["a", "p/a"] }, OWN, false],
    ["a verified e-mail of no domain of its", { ...held, groups: ["p/a"] }, PARTNER, false],
    ["such an e-mail, not verified", { ...held, groups: ["p/a"], emailTrusted: false }, PARTNER, true],
    ["trust in no e-mail", { ...held, email: null }, OWN, false],
    ["trust by the operator's word", byOperator, { ...OWN, emailTrusted: true }, true],
    ["such trust, taken back since", byOperator, OWN, false],
    ["no trust, while the operator gives it by now", { ...byOperator, emailTrusted: false }, OWN, true],
    [
      "trust of which it is not known whose word it was, as sessions of before hold it",
      { ...held, emailVerified: undefined as never },
      OWN,
      false,
    ],
  ])("%s is within reach: %o, %o, %s", (_what, said, reach, expected) => {
    expect(isWithinReach(said, reach)).toBe(expected);
  });
});
