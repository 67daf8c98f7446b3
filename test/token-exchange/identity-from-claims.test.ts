import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { userIdOf } from "../../core/ids.ts";
import { type ClaimRules, identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import { claimRules } from "../support/claim-rules.ts";
import { claimsOfAlice, ISSUER } from "../support/provider-fixture.ts";

const rules = claimRules(ISSUER);

const alice = {
  userId: userIdOf(ISSUER, "alice-1"),
  issuer: ISSUER,
  email: "alice@example.com",
  emailVerified: true,
  emailTrusted: true,
  name: "Alice Archer",
  groups: ["engineering"],
};

const UNVERIFIED = { emailVerified: false, emailTrusted: false };

function read(changes: Record<string, unknown>, ruleChanges: Partial<ClaimRules> = {}) {
  return identityFromClaims("alice-1", claimsOfAlice(changes), { ...rules, ...ruleChanges });
}

function groups(value: readonly string[]) {
  return { ok: true, value: { ...alice, groups: value } };
}

function denied(code: string, claim = "groups") {
  return { ok: false, error: { code, claim } };
}

describe("the person", () => {
  it("is known by issuer and subject, whatever e-mail they have", () => {
    expect(read({})).toEqual({ ok: true, value: alice });
    const reassigned = identityFromClaims("mallory-2", claimsOfAlice(), rules);
    expect(reassigned.ok && reassigned.value.userId).toBe(userIdOf(ISSUER, "mallory-2"));
    expect(reassigned.ok && reassigned.value.userId).not.toBe(alice.userId);
  });

  it("may have no e-mail and no name", () => {
    const nobody = { ...alice, email: null, ...UNVERIFIED, name: null };
    expect(read({ email: undefined, name: undefined })).toEqual({ ok: true, value: nobody });
  });
});

describe("groups", () => {
  it("are taken as they are, never split, trimmed or folded", () => {
    const odd = ["staff,admins", "admins\u200b", " admins", "\u212Aelvin", "", "admins"];
    expect(read({ groups: odd })).toEqual(groups(odd));
  });

  it("may be none", () => {
    expect(read({ groups: [] })).toEqual(groups([]));
  });

  it("may be one text, which is one group", () => {
    expect(read({ groups: "staff, admins" })).toEqual(groups(["staff, admins"]));
  });

  it("that are missing refuse, or count as none, as configured", () => {
    expect(read({ groups: undefined })).toEqual(denied("groups_missing"));
    expect(read({ groups: undefined }, { whenMissing: "none" })).toEqual(groups([]));
  });

  it.each([[null], [7], [true], [{ admins: true }], [["a", 7]], [[["admins"]]], [[null]]])(
    "of another kind refuse, even where missing ones count as none: %j",
    (value) => {
      expect(read({ groups: value }, { whenMissing: "none" })).toEqual(denied("groups_missing"));
    },
  );

  it.each([
    [{ _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: "https://graph.example" } } }],
    [{ hasgroups: true }],
  ])("that Entra left out because they are too many are named so: %j", (marker) => {
    const changes = { groups: undefined, ...marker };
    expect(read(changes)).toEqual(denied("groups_overflow"));
    expect(read(changes, { whenMissing: "none" })).toEqual(denied("groups_overflow"));
  });

  it("come from the claim that is configured, its whole name first, then as a path", () => {
    const name = "https://example.com/groups";
    expect(read({ [name]: ["a"] }, { groupsClaim: name })).toEqual(groups(["a"]));
    const path = { groupsClaim: "realm_access.roles" };
    expect(read({ realm_access: { roles: ["b"] } }, path)).toEqual(groups(["b"]));
    expect(read({ realm_access: { roles: ["b"] }, "realm_access.roles": ["c"] }, path)).toEqual(
      groups(["c"]),
    );
    expect(read({ realm_access: [] }, path)).toEqual(denied("groups_missing", "realm_access.roles"));
    expect(read({ realm_access: "roles" }, path)).toEqual(denied("groups_missing", "realm_access.roles"));
  });

  it.each(["__proto__", "constructor", "constructor.name", "__proto__.admin", "toString", "groups.length"])(
    "are never found in what every object inherits: %s",
    (groupsClaim) => {
      expect(read({}, { groupsClaim })).toEqual(denied("groups_missing", groupsClaim));
      expect(read({ groups: {} }, { groupsClaim, whenMissing: "none" })).toEqual(groups([]));
    },
  );

  it("named __proto__ do nothing", () => {
    const claims: unknown = JSON.parse(
      '{"sub":"x","groups":{"__proto__":{"admin":true}},"__proto__":{"groups":["a"]}}',
    );
    expect(identityFromClaims("x", claims as Record<string, unknown>, rules)).toEqual(
      denied("groups_missing"),
    );
    expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
  });
});

describe("an e-mail", () => {
  it.each([
    ["Alice@Example.COM", "alice@example.com"],
    ["  alice@example.com ", "alice@example.com"],
    ["ＡＬＩＣＥ@example.com", "alice@example.com"],
    ["alice＠example.com", "alice@example.com"],
    ["o'brien+x@sub.example.com", "o'brien+x@sub.example.com"],
    ["zoë@example.com", "zoë@example.com"],
    ["Zoe\u0308@example.com", "zoë@example.com"],
  ])("has one spelling: %j is %j", (asserted, email) => {
    expect(read({ email: asserted })).toEqual({ ok: true, value: { ...alice, email } });
  });

  it.each([
    ["evil@evil.test@corp.test"],
    ["evil@evil.test＠corp.test"],
    ["alice"],
    ["@example.com"],
    ["alice@"],
    ["@"],
    [""],
    ["alice @example.com"],
    ["alice\u00a0@example.com"],
    ["alice@example.com\nx"],
    ["al\u0000ice@example.com"],
    ["alice\u200b@example.com"],
    ["alice@exa\u202emple.com"],
    [`${"a".repeat(250)}@x.de`],
    [["alice@example.com"]],
    [{ toString: "alice@example.com" }],
    [null],
    [7],
  ])("that is none counts as not said, and is not trusted: %j", (asserted) => {
    const expected = { ok: true, value: { ...alice, email: null, ...UNVERIFIED } };
    expect(read({ email: asserted })).toEqual(expected);
    expect(read({ email: asserted }, { emailTrusted: true })).toEqual(expected);
  });

  it.each([[false], [undefined], ["true"], [1], [null]])(
    "is not trusted when email_verified is %j",
    (said) => {
      const untrusted = { ok: true, value: { ...alice, ...UNVERIFIED } };
      expect(read({ email_verified: said })).toEqual(untrusted);
    },
  );

  it("is trusted when the operator trusts the provider's e-mails", () => {
    expect(read({ email_verified: false }, { emailTrusted: true })).toEqual({
      ok: true,
      value: { ...alice, emailVerified: false },
    });
  });
});

describe("a name", () => {
  it.each([
    ["  Zoë Zander ", "Zoë Zander"],
    ["Zoë\r\nX-Forwarded-User: root", "ZoëX-Forwarded-User: root"],
    ["a\u0000b\u0085c\u2028d\u202ee", "abcde"],
    ["\ud800x", "x"],
    ["😀".repeat(300), "😀".repeat(200)],
    ["\u0000", null],
    ["", null],
    [["Alice"], null],
    [7, null],
  ])("has no control characters and at most 200 characters: %j", (asserted, name) => {
    expect(read({ name: asserted })).toEqual({ ok: true, value: { ...alice, name } });
  });
});

it("never throws, and never finds a group that was not asserted", () => {
  const claims = fc.dictionary(
    fc.oneof(
      fc.constantFrom("groups", "email", "name", "_claim_names", "hasgroups", "__proto__"),
      fc.string(),
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(claims, fc.string({ minLength: 1 }), (record, groupsClaim) => {
      const read = identityFromClaims("x", record, { ...rules, groupsClaim, whenMissing: "none" });
      if (!read.ok) return;
      const asserted = JSON.stringify(record);
      for (const group of read.value.groups) expect(asserted).toContain(JSON.stringify(group));
    }),
  );
});

describe("one of several providers", () => {
  const partner = { groupsPrefix: "p/", reservedPrefixes: ["q/"], emailDomains: ["partner.example"] };

  it("has its prefix in front of each group that it says, whatever it says", () => {
    expect(read({ groups: ["a", "p/a", "", "q/x"] }, partner)).toMatchObject({
      value: { groups: ["p/a", "p/p/a", "p/", "p/q/x"] },
    });
    expect(read({ groups: "staff,admins" }, partner)).toMatchObject({
      value: { groups: ["p/staff,admins"] },
    });
  });

  it("without a prefix may not say what begins with another's", () => {
    const reserved = { groupsPrefix: "", reservedPrefixes: ["p/", "q/"] };
    expect(read({ groups: ["a", "q/x", "p/x"] }, reserved)).toEqual({
      ok: false,
      error: { code: "group_reserved", group: "q/x", prefix: "q/" },
    });
    expect(read({ groups: ["a", "q", "p"] }, reserved)).toEqual(groups(["a", "q", "p"]));
  });

  it.each([
    ["alice@partner.example", true],
    ["Alice@PARTNER.example", true],
    ["alice@example.com", false],
    ["alice@sub.partner.example", false],
  ])("vouches for the e-mails of its domains alone: %s, %s", (email, emailTrusted) => {
    for (const rules of [partner, { ...partner, emailTrusted: true }]) {
      const person = read({ email, email_verified: true }, rules);
      const expected = { email: email.toLowerCase(), emailVerified: true, emailTrusted };
      expect(person).toMatchObject({ value: expected });
    }
    expect(read({ email, email_verified: false }, partner)).toMatchObject({ value: UNVERIFIED });
  });
});
