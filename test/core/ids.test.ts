import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  isUserId,
  newRequestId,
  newSessionHandle,
  newSessionId,
  parseAgentId,
  parseEndpointId,
  parseGatewayId,
  parseRequestId,
  parseSessionHandle,
  parseSessionId,
  userIdOf,
} from "../../core/ids.ts";

describe("a user id", () => {
  it("is the base32 of SHA-256(issuer NUL subject), as computed by other means", () => {
    // printf 'https://login.example.com\0alice-1' | sha256sum → 55664eb0…; Python's base64.b32encode of those bytes.
    expect(userIdOf("https://login.example.com", "alice-1")).toBe("u_kvte5mcpy647v3l5r6ctsilksq");
  });

  it("keeps issuer and subject apart", () => {
    expect(userIdOf("https://a", "b")).not.toBe(userIdOf("https://a\0b", ""));
    expect(userIdOf("https://a", "b")).not.toBe(userIdOf("https://ab", ""));
  });

  it("has its form for any issuer and subject, and is another for another subject", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, other) => {
        expect(isUserId(userIdOf("https://a", one))).toBe(true);
        fc.pre(Buffer.from(one).compare(Buffer.from(other)) !== 0);
        expect(userIdOf("https://a", one)).not.toBe(userIdOf("https://a", other));
      }),
    );
  });

  test.each([
    "",
    "u_",
    "u_kvte5mcpy647v3l5r6ctsilks",
    "u_KVTE5MCPY647V3L5R6CTSILKSQ",
    "u_kvte5mcpy647v3l5r6ctsilks1",
    "u_kvte5mcpy647v3l5r6ctsilksq\n",
  ])("is not %j", (text) => {
    expect(isUserId(text)).toBe(false);
  });
});

describe.each([
  ["agent", parseAgentId],
  ["gateway", parseGatewayId],
  ["endpoint", parseEndpointId],
])("an id of an %s", (_kind, parse) => {
  test.each(["a", "7", "cloud-1", "a-", `a${"b".repeat(62)}`])("may be %j", (text) => {
    expect(parse(text)).toBe(text);
  });

  test.each(["", "-a", "A", "a_b", "a.b", "a/b", "ä", "a b", "a\n", "__proto__", `a${"b".repeat(63)}`])(
    "may not be %j",
    (text) => {
      expect(parse(text)).toBeUndefined();
    },
  );
});

describe.each([
  ["session id", newSessionId, parseSessionId],
  ["session handle", newSessionHandle, parseSessionHandle],
  ["request id", newRequestId, parseRequestId],
])("a new %s", (_kind, make, parse) => {
  it("has the form that its parser takes, and is never the same", () => {
    const made = Array.from({ length: 200 }, () => make());
    expect(made.map((id) => parse(id))).toEqual(made);
    expect(new Set(made).size).toBe(200);
  });

  it("is not recognised with a character more, less, or another alphabet", () => {
    const id = make();
    for (const text of [
      `${id}A`,
      id.slice(0, -1),
      `${id.slice(0, -1)}+`,
      `${id.slice(0, -1)}=`,
      `${id}\n`,
      "",
    ]) {
      expect(parse(text)).toBeUndefined();
    }
  });
});
