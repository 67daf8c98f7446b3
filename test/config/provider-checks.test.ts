import { describe, expect, test } from "vitest";
import { loadFrontDoor } from "../../config/load.ts";
import { FRONT_DOOR, frontDoorWith, issuesOf, placesOf } from "./config-folder.ts";

const OKTA = { ...FRONT_DOOR.providers.okta, emailDomains: ["example.com"] };
const PARTNER = {
  name: "Partner Ltd",
  issuer: "https://login.partner.example",
  clientId: "gatehouse",
  clientSecret: "their secret",
  emailDomains: ["partner.example"],
  groups: { prefix: "partner/" },
};

function load(providers: unknown, more: Record<string, unknown> = {}) {
  return () => loadFrontDoor(frontDoorWith({ frontDoor: { ...FRONT_DOOR, providers, ...more } }), {});
}

const both = (partner: Record<string, unknown>, okta: Record<string, unknown> = {}) =>
  load({ okta: { ...OKTA, ...okta }, partner: { ...PARTNER, ...partner } });

const issue = (path: string, found: string, expected: string) => ({
  source: "front-door.json5",
  path: `providers.${path}`,
  found,
  expected,
});

describe("several providers", () => {
  test("each with its own issuer, name, groups and e-mails are no fault", () => {
    expect(issuesOf(both({}))).toEqual([]);
  });

  test("may have the same client id: two issuers' names have nothing to do with each other", () => {
    expect(OKTA.clientId).toBe(PARTNER.clientId);
  });

  test.each(["https://login.example.com/", "https://login.example.com", "https://LOGIN.example.com:443/"])(
    "must not have one issuer, as it is looked up: %s",
    (issuer) => {
      expect(issuesOf(both({ issuer }))).toEqual([
        issue("partner.issuer", JSON.stringify(issuer), "another issuer than that of okta"),
      ]);
    },
  );

  test.each(["Okta", " okta ", "Ｏkta"])("must not have one name, however it is written: %j", (name) => {
    const expected = "another name than that of okta: people choose by it";
    expect(issuesOf(both({ name }))).toEqual([issue("partner.name", JSON.stringify(name), expected)]);
  });

  test.each([
    ["both none", "", "", ', such as "partner/"'],
    ["the same", "a/", "a/", ', such as "partner/"'],
    ["the one that would be suggested", "partner/", "partner/", ""],
  ])("must not say groups with one prefix: %s", (_what, mine, theirs, such) => {
    const expected = `a prefix of its own${such}: with that of okta a group of one name would be both providers'`;
    expect(issuesOf(both({ groups: { prefix: theirs } }, { groups: { prefix: mine } }))).toEqual([
      issue("partner.groups.prefix", JSON.stringify(theirs), expected),
    ]);
  });

  test("left without a prefix both have none", () => {
    expect(placesOf(both({ groups: {} }))).toEqual(["front-door.json5 providers.partner.groups.prefix"]);
  });

  test.each([
    ["a/", "a/b/", ', such as "partner/"'],
    ["a/b/", "a/", ', such as "partner/"'],
    ["part", "partner/", ""],
  ])("must not have prefixes of which one is the beginning of the other: %s and %s", (mine, theirs, such) => {
    const expected = `a prefix${such} that neither begins with that of okta, ${JSON.stringify(mine)}, nor is its beginning: else a group's name could be either provider's`;
    expect(issuesOf(both({ groups: { prefix: theirs } }, { groups: { prefix: mine } }))).toEqual([
      issue("partner.groups.prefix", JSON.stringify(theirs), expected),
    ]);
  });

  test("must not vouch for the e-mails of one domain, however it is written", () => {
    const expected = 'no domain that okta has too, as "example.com"';
    expect(issuesOf(both({ emailDomains: ["partner.example", "Example.COM"] }))).toEqual([
      issue("partner.emailDomains", "a list of 2", expected),
    ]);
  });

  test("each say whose e-mails they may vouch for; one alone need not, and nobody's is an answer too", () => {
    const expected = "a list: with several providers each says whose e-mails it may vouch for ([]: nobody's)";
    const { emailDomains: _, ...silent } = PARTNER;
    expect(issuesOf(load({ okta: OKTA, partner: silent }))).toEqual([
      issue("partner.emailDomains", "nothing", expected),
    ]);
    expect(issuesOf(load({ partner: silent }))).toEqual([]);
    expect(issuesOf(both({ emailDomains: [] }))).toEqual([]);
  });

  test("are compared each with each, and every fault of theirs is told", () => {
    const third = { ...PARTNER, name: "Third", emailDomains: [], groups: { prefix: "" } };
    expect(placesOf(load({ okta: OKTA, partner: PARTNER, third }))).toEqual([
      "front-door.json5 providers.third.groups.prefix",
      "front-door.json5 providers.third.issuer",
    ]);
  });

  test("are no reason to repeat what is wrong with a key of one of them", () => {
    const places = placesOf(both({ emailDomains: "example.com", issuer: 7, name: "" }));
    expect(places).toEqual([
      "front-door.json5 providers.partner.name",
      "front-door.json5 providers.partner.issuer",
      "front-door.json5 providers.partner.emailDomains",
    ]);
  });
});

describe("a domain of e-mails", () => {
  test.each(["example.com", "EXAMPLE.com", "intranet", "bücher.example", "xn--bcher-kva.example"])(
    "may be %s",
    (domain) => {
      expect(issuesOf(load({ okta: { ...OKTA, emailDomains: [domain] } }))).toEqual([]);
    },
  );

  test.each([
    "",
    "@example.com",
    "alice@example.com",
    ".example.com",
    "example.com.",
    "a b",
    "*.example.com",
  ])("must not be %j", (domain) => {
    expect(placesOf(load({ okta: { ...OKTA, emailDomains: [domain] } }))).toEqual([
      "front-door.json5 providers.okta.emailDomains[0]",
    ]);
  });
});

describe("the table of providers", () => {
  test.each(["Okta", "my-okta", "my_okta", "1st", "", "a".repeat(33), "okta/../x"])(
    "has no id like %j",
    (id) => {
      expect(issuesOf(load({ [id]: OKTA })).map(({ expected }) => expected)).toEqual([
        "a provider id: a lower-case letter, then lower-case letters and digits, at most 32",
      ]);
    },
  );

  test.each(["constructor", "a", "sso2", "a".repeat(32)])("may have the id %s", (id) => {
    expect(issuesOf(load({ [id]: OKTA }))).toEqual([]);
  });

  test.each([
    ["nothing", undefined, "nothing"],
    ["an empty one", {}, "an object"],
  ])("must not be %s", (_what, providers, found) => {
    expect(issuesOf(load(providers))).toEqual([
      {
        source: "front-door.json5",
        path: "providers",
        found,
        expected: "at least one provider: { <id>: { name, issuer, clientId, clientSecret } }",
      },
    ]);
  });

  test("has what once stood beside it, and says so", () => {
    const moved = { provider: OKTA, groups: { claim: "roles" } };
    expect(issuesOf(load({ okta: OKTA }, moved))).toEqual([
      {
        source: "front-door.json5",
        path: "provider",
        found: "a key that has moved",
        expected: "providers: { <id>: { … } }, with the same keys under a short name of your own",
      },
      {
        source: "front-door.json5",
        path: "groups",
        found: "a key that has moved",
        expected: "providers.<id>.groups, because each provider has its own claim",
      },
    ]);
  });
});
