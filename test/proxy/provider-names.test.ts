import { describe, expect, it } from "vitest";
import { providerNames } from "../../proxy/provider-names.ts";
import { claimRules } from "../support/claim-rules.ts";

const COMPANY = "https://sso.example.com";
const PARTNER = "https://login.partner.example";
const company = {
  config: { name: "Example Ltd" },
  claimRules: claimRules(COMPANY, { reservedPrefixes: ["partner/"] }),
};
const partner = {
  config: { name: "Partner" },
  claimRules: claimRules(PARTNER, { groupsPrefix: "partner/" }),
};
const two = providerNames(
  new Map([
    [COMPANY, company],
    [PARTNER, partner],
  ]),
);
const GROUPS = ["engineering", "partner/engineering", "it"];

describe("people are told", () => {
  it("through which of several providers they signed in", () => {
    expect([COMPANY, PARTNER, "https://gone.example"].map(two.provider)).toEqual([
      "Example Ltd",
      "Partner",
      null,
    ]);
  });

  it("of no provider where there is one", () => {
    expect(providerNames(new Map([[COMPANY, company]])).provider(COMPANY)).toBe(null);
  });

  it("of the groups that their own provider can put them into", () => {
    expect(two.groupsOf(COMPANY, GROUPS)).toEqual(["engineering", "it"]);
    expect(two.groupsOf(PARTNER, GROUPS)).toEqual(["partner/engineering"]);
    expect(two.groupsOf("https://gone.example", GROUPS)).toEqual([]);
  });
});
