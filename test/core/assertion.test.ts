import { describe, expect, it, test } from "vitest";
import { audienceOf, parseAssertionClaims } from "../../core/assertion.ts";
import { createTestDoor } from "../support/assertion-fixture.ts";

const NOW = Date.UTC(2026, 10, 21, 8, 0, 0);
const CLAIMS = createTestDoor(() => NOW).claims();

describe("an assertion's claims", () => {
  it("are read as they are", () => {
    expect(parseAssertionClaims(CLAIMS)).toEqual(CLAIMS);
  });

  it("have groups only when they were sent", () => {
    expect(parseAssertionClaims({ ...CLAIMS, groups: ["staff,admins"] })).toEqual({
      ...CLAIMS,
      groups: ["staff,admins"],
    });
    expect(Object.keys(parseAssertionClaims(CLAIMS) ?? {})).not.toContain("groups");
  });

  it("may lack an e-mail and a name, and name no agent", () => {
    const claims = { ...CLAIMS, email: null, name: null, agents: [] };
    expect(parseAssertionClaims(claims)).toEqual(claims);
  });

  it("keep nothing that is not known", () => {
    expect(parseAssertionClaims({ ...CLAIMS, admin: true })).toEqual(CLAIMS);
  });

  test.each([
    ["iss", undefined],
    ["aud", undefined],
    ["aud", ["cloud/cloud-1"]],
    ["sub", undefined],
    ["sub", "alice@example.com"],
    ["sid", undefined],
    ["sid", "s_short"],
    ["email", undefined],
    ["email", 7],
    ["name", undefined],
    ["name", {}],
    ["agents", undefined],
    ["agents", "coder"],
    ["agents", ["coder", "../coder"]],
    ["agents", ["coder", 7]],
    ["use", undefined],
    ["use", "both"],
    ["iat", undefined],
    ["iat", "1"],
    ["exp", undefined],
    ["exp", "1"],
    ["jti", undefined],
    ["jti", "a".repeat(15)],
    ["jti", "a".repeat(65)],
    ["groups", null],
    ["groups", "staff"],
    ["groups", ["staff", 7]],
  ])("are refused when %s is %j", (member, value) => {
    const { [member]: _left, ...rest } = CLAIMS;
    expect(parseAssertionClaims(value === undefined ? rest : { ...rest, [member]: value })).toBeUndefined();
  });
});

test("an audience names one endpoint of one gateway", () => {
  expect(audienceOf("cloud", "cloud-1")).toBe("cloud/cloud-1");
});
