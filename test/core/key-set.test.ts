import { describe, expect, it, test } from "vitest";
import { KEY_SET_TYPE, thumbprintOf, verifyKeySet } from "../../core/key-set.ts";
import { base64url, createTestDoor, createTestKey, signJws } from "../support/assertion-fixture.ts";

const NOW = Date.UTC(2026, 10, 21, 8, 0, 0);
const DOOR = createTestDoor(() => NOW);
const PIN = DOOR.trust.kid;
const HEADER = { typ: KEY_SET_TYPE, alg: "ES256", jwk: DOOR.trust.jwk };
const SIGNING_KEY = { ...DOOR.signing.jwk, kid: DOOR.signing.kid, alg: "ES256", use: "sig" };
const KEY_SET = { number: 3, issuer: "gatehouse", iat: NOW / 1000, keys: [SIGNING_KEY] };

function faultOf(envelope: string, pin = PIN, lowest = 0) {
  const verified = verifyKeySet(envelope, pin, lowest);
  return verified.ok ? undefined : verified.error;
}

test("a thumbprint is that of RFC 7638 §3, as computed by other means for the key of RFC 7515 §A.3", () => {
  const key = {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  };
  expect(thumbprintOf(key)).toBe("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
});

describe("a key set", () => {
  it("is taken when the pinned key has signed it", () => {
    expect(verifyKeySet(signJws(DOOR.trust, HEADER, KEY_SET), PIN, 0)).toEqual({ ok: true, value: KEY_SET });
  });

  it("may end in a line end, as a file does", () => {
    expect(faultOf(`${signJws(DOOR.trust, HEADER, KEY_SET)}\n`)).toBeUndefined();
  });

  it("may have the number of the newest one, and not a lower one", () => {
    const envelope = signJws(DOOR.trust, HEADER, KEY_SET);
    expect(faultOf(envelope, PIN, 3)).toBeUndefined();
    expect(faultOf(envelope, PIN, 4)).toBe("older_number");
  });

  it("names its keys by their thumbprints, whatever it calls them", () => {
    const renamed = {
      ...KEY_SET,
      keys: [{ ...SIGNING_KEY, kid: "mine", alg: "none", use: "enc", d: "secret" }],
    };
    expect(verifyKeySet(signJws(DOOR.trust, HEADER, renamed), PIN, 0)).toEqual({ ok: true, value: KEY_SET });
  });

  test.each([
    ["another type", { typ: "JWT" }, "wrong_type"],
    ["no type", { typ: undefined }, "wrong_type"],
    ["another algorithm", { alg: "none" }, "wrong_type"],
    ["no key", { jwk: undefined }, "malformed"],
    ["a key that is no point of the curve", { jwk: { ...DOOR.trust.jwk, y: DOOR.trust.jwk.x } }, "malformed"],
    ["a key of another kind", { jwk: { kty: "oct", k: "AAAA" } }, "malformed"],
  ])("is refused with %s in its header", (_what, changes, fault) => {
    expect(faultOf(signJws(DOOR.trust, { ...HEADER, ...changes }, KEY_SET))).toBe(fault);
  });

  it("is refused from a key that is not pinned, though it signs correctly", () => {
    const stranger = createTestKey();
    expect(faultOf(signJws(stranger, { ...HEADER, jwk: stranger.jwk }, KEY_SET))).toBe("untrusted_key");
  });

  it("is refused when the pinned key is named but did not sign", () => {
    expect(faultOf(signJws(createTestKey(), HEADER, KEY_SET))).toBe("bad_signature");
    const [header, , signature] = signJws(DOOR.trust, HEADER, KEY_SET).split(".");
    expect(faultOf(`${header}.${base64url({ ...KEY_SET, number: 9 })}.${signature}`)).toBe("bad_signature");
  });

  test.each([
    ["number", 0],
    ["number", 1.5],
    ["number", "3"],
    ["issuer", undefined],
    ["iat", undefined],
    ["keys", undefined],
    ["keys", []],
    ["keys", [SIGNING_KEY, { ...SIGNING_KEY, crv: "P-384" }]],
    ["keys", [null]],
  ])("is malformed when its %s is %j", (member, value) => {
    expect(faultOf(signJws(DOOR.trust, HEADER, { ...KEY_SET, [member]: value }))).toBe("malformed");
  });

  test.each(["", "a", "a.b", "a.b.c", "a.b.c.d", `${signJws(DOOR.trust, HEADER, KEY_SET)}.x`, "....."])(
    "is malformed as %j",
    (envelope) => {
      expect(faultOf(envelope)).toBe("malformed");
    },
  );
});
