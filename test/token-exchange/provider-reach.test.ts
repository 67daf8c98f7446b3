import { describe, expect, it } from "vitest";
import {
  isWithinReach,
  mayVouchFor,
  type ProviderReach,
  reservedGroup,
} from "../../token-exchange/provider-reach.ts";

const OWN: ProviderReach = {
  groupsPrefix: "",
  reservedPrefixes: ["p/", "q:"],
  emailDomains: ["example.com"],
};
const PARTNER: ProviderReach = { groupsPrefix: "p/", reservedPrefixes: ["q:"], emailDomains: [] };
const ALONE: ProviderReach = { groupsPrefix: "", reservedPrefixes: [], emailDomains: undefined };

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
    expect(mayVouchFor(email, reach)).toBe(expected);
  });
});

describe("what a session holds", () => {
  const held = { groups: ["a"], email: "alice@example.com", emailTrusted: true };
  it.each([
    ["as its provider still says it", held, OWN, true],
    ["without groups and e-mail", { groups: [], email: null, emailTrusted: false }, PARTNER, true],
    ["a group without the prefix", { ...held, emailTrusted: false }, PARTNER, false],
    [
      "groups of which one has the prefix",
      { groups: ["p/a", "a"], email: null, emailTrusted: false },
      PARTNER,
      false,
    ],
    ["a group that is another's by now", { ...held, groups: ["a", "p/a"] }, OWN, false],
    ["a verified e-mail of no domain of its", { ...held, groups: ["p/a"] }, PARTNER, false],
    ["such an e-mail, not verified", { ...held, groups: ["p/a"], emailTrusted: false }, PARTNER, true],
    ["trust in no e-mail", { ...held, email: null }, OWN, false],
  ])("%s is within reach: %o, %o, %s", (_what, said, reach, expected) => {
    expect(isWithinReach(said, reach)).toBe(expected);
  });
});
