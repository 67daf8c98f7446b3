import { describe, expect, test } from "vitest";
import { keyObjectOf } from "../../../core/key-set.ts";
import { err, ok } from "../../../core/result.ts";
import { type AssertionRules, verifyAssertion } from "../../../gateway/admit/verify-assertion.ts";
import { createTestDoor } from "../../support/assertion-fixture.ts";

const NOW = Date.UTC(2026, 10, 2, 9, 0, 0) + 700;
const SECOND = Math.floor(NOW / 1000);
const door = createTestDoor(() => NOW);
const keys = new Map([
  [door.signing.kid, keyObjectOf({ ...door.signing.jwk, kid: door.signing.kid, alg: "ES256", use: "sig" })],
]);

function verify(changes: Record<string, unknown>, rules: Partial<AssertionRules> = {}) {
  return verifyAssertion(door.assertion(changes), keys, {
    issuer: "gatehouse",
    audience: "cloud/cloud-1",
    uses: ["upgrade", "direct"],
    startedAt: NOW / 1000 - 3_600,
    now: NOW,
    ...rules,
  });
}

describe("verifying an assertion", () => {
  test("gives the claims of a valid one", () => {
    const { jti, ...told } = door.claims();
    expect(verify({ jti })).toEqual(ok({ ...told, jti }));
  });

  test.each([
    ["expired within the skew", { iat: SECOND - 89, exp: SECOND - 29 }, ok(expect.anything())],
    ["expired just beyond the skew", { iat: SECOND - 90, exp: SECOND - 30 }, err("expired")],
    ["issued within the skew ahead", { iat: SECOND + 30, exp: SECOND + 90 }, ok(expect.anything())],
    ["issued beyond the skew ahead", { iat: SECOND + 31, exp: SECOND + 91 }, err("not_yet_valid")],
    ["living for 61 seconds", { exp: SECOND + 61 }, err("bad_claims")],
    ["ending before it begins", { iat: SECOND + 10, exp: SECOND + 10 }, err("bad_claims")],
  ])("judges one %s", (_, changes, verdict) => {
    expect(verify(changes)).toEqual(verdict);
  });

  test("admits one issued in the second of the start, refuses the second before", () => {
    expect(verify({}, { startedAt: NOW / 1000 })).toMatchObject({ ok: true });
    for (const use of ["upgrade", "direct"])
      expect(verify({ use, iat: SECOND - 1, exp: SECOND + 59 }, { startedAt: NOW / 1000 })).toEqual(
        err("older_than_start"),
      );
  });

  test("does not ask when one for a plain request was issued", () => {
    const changes = { use: "http", iat: SECOND - 10, exp: SECOND + 50 };
    expect(verify(changes, { uses: ["http"], startedAt: NOW / 1000 })).toMatchObject({ ok: true });
  });
});
