import { createHmac } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { type JwtRules, readJwtHeader, verifyJwt } from "../../core/jwt.ts";
import { keyObjectOf, type PublicSigningKey } from "../../core/key-set.ts";
import { base64url, createTestKey, signJws, type TestKey } from "../support/assertion-fixture.ts";
import { createRsaKey, signedBy } from "../support/provider-fixture.ts";

const NOW_SECONDS = 1_795_248_000;
const KEY = createTestKey();
const OTHER_KEY = createTestKey();
const PUBLIC_KEY = publicKeyOf(KEY);

const HEADER = { alg: "ES256", typ: "at+jwt", kid: KEY.kid };
const CLAIMS = {
  iss: "https://door.example.com",
  aud: "cloud/cloud-1",
  sub: "alice",
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 60,
};
const RULES: JwtRules = {
  types: ["at+jwt"],
  algorithms: ["ES256"],
  issuer: "https://door.example.com",
  audience: "cloud/cloud-1",
  now: NOW_SECONDS * 1000,
  skewSeconds: 30,
};

function publicKeyOf(key: TestKey) {
  const jwk: PublicSigningKey = { ...key.jwk, kid: key.kid, alg: "ES256", use: "sig" };
  return keyObjectOf(jwk);
}

function faultOf(token: string, rules: Partial<JwtRules> = {}) {
  const verified = verifyJwt(token, PUBLIC_KEY, { ...RULES, ...rules });
  return verified.ok ? undefined : verified.error;
}

const withHeader = (changes: object) => signJws(KEY, { ...HEADER, ...changes }, CLAIMS);
const withClaims = (changes: object) => signJws(KEY, HEADER, { ...CLAIMS, ...changes });

describe("verifying a JWT", () => {
  it("answers header and claims of a valid one", () => {
    expect(verifyJwt(signJws(KEY, HEADER, CLAIMS), PUBLIC_KEY, RULES)).toEqual({
      ok: true,
      value: { header: HEADER, claims: CLAIMS },
    });
  });

  it("compares the type without case", () => {
    expect(faultOf(withHeader({ typ: "AT+JWT" }))).toBeUndefined();
  });

  it("takes a token without a type only where the rules list none", () => {
    expect(faultOf(withHeader({ typ: undefined }))).toBe("wrong_type");
    expect(faultOf(withHeader({ typ: undefined }), { types: ["at+jwt", undefined] })).toBeUndefined();
  });

  test.each([
    ["another type", withHeader({ typ: "gateway-assertion+jwt" }), "wrong_type"],
    ["the general type", withHeader({ typ: "JWT" }), "wrong_type"],
    ["another algorithm", withHeader({ alg: "ES384" }), "wrong_algorithm"],
    ["the algorithm none", withHeader({ alg: "none" }), "wrong_algorithm"],
    ["the algorithm None", withHeader({ alg: "None" }), "wrong_algorithm"],
    ["another key's signature", signJws(OTHER_KEY, HEADER, CLAIMS), "bad_signature"],
    ["another issuer", withClaims({ iss: "https://door.example.com/" }), "wrong_issuer"],
    ["no issuer", withClaims({ iss: undefined }), "wrong_issuer"],
    ["another audience", withClaims({ aud: "cloud/cloud-2" }), "wrong_audience"],
    ["no audience", withClaims({ aud: undefined }), "wrong_audience"],
    ["no expiry", withClaims({ exp: undefined }), "bad_claims"],
    ["an expiry that is text", withClaims({ exp: "tomorrow" }), "bad_claims"],
    ["no time of issue", withClaims({ iat: undefined }), "bad_claims"],
    ["a not-before that is text", withClaims({ nbf: "now" }), "bad_claims"],
    ["an expiry past the skew", withClaims({ exp: NOW_SECONDS - 30 }), "expired"],
    ["a not-before past the skew", withClaims({ nbf: NOW_SECONDS + 31 }), "not_yet_valid"],
    ["an issue past the skew", withClaims({ iat: NOW_SECONDS + 31 }), "not_yet_valid"],
  ])("refuses %s", (_what, token, fault) => {
    expect(faultOf(token)).toBe(fault);
  });

  test.each([
    ["an expiry within it", { exp: NOW_SECONDS - 29 }],
    ["a not-before within it", { nbf: NOW_SECONDS + 30 }],
    ["an issue within it", { iat: NOW_SECONDS + 30 }],
  ])("allows for the skew: %s", (_what, changes) => {
    expect(faultOf(withClaims(changes))).toBeUndefined();
  });

  it("refuses a claim set that is no object", () => {
    expect(faultOf(signJws(KEY, HEADER, ["alice"]))).not.toBeUndefined();
    expect(faultOf(signJws(KEY, HEADER, [CLAIMS]))).not.toBeUndefined();
  });

  it("refuses a claim set that was changed after it was signed", () => {
    const [header, , signature] = signJws(KEY, HEADER, CLAIMS).split(".");
    expect(faultOf(`${header}.${base64url({ ...CLAIMS, sub: "bob" })}.${signature}`)).toBe("bad_signature");
  });

  it("refuses ECDSA signatures of zeros", () => {
    const [header, claims] = signJws(KEY, HEADER, CLAIMS).split(".");
    expect(faultOf(`${header}.${claims}.${Buffer.alloc(64).toString("base64url")}`)).toBe("bad_signature");
  });

  it("never takes the public key for a shared secret", () => {
    const pem = PUBLIC_KEY.export({ type: "spki", format: "pem" });
    const signed = `${base64url({ ...HEADER, alg: "HS256" })}.${base64url(CLAIMS)}`;
    const token = `${signed}.${createHmac("sha256", pem).update(signed).digest("base64url")}`;
    expect(faultOf(token)).toBe("wrong_algorithm");
  });

  it("refuses a token of another kind of key, even where both algorithms are accepted", () => {
    const token = signedBy(createRsaKey("rsa-1"), CLAIMS);
    expect(faultOf(token, { algorithms: ["ES256", "RS256"] })).not.toBeUndefined();
  });

  it("does not let a token bring its own key", () => {
    const header = {
      ...HEADER,
      jwk: OTHER_KEY.jwk,
      jku: "http://127.0.0.1:1/keys",
      x5u: "http://127.0.0.1:1/",
      x5c: ["AA=="],
    };
    expect(faultOf(signJws(OTHER_KEY, header, CLAIMS))).toBe("bad_signature");
    expect(faultOf(signJws(KEY, header, CLAIMS))).toBeUndefined();
  });
});

describe("reading a JWT's header", () => {
  it("answers the three members that it knows, the type in lower case", () => {
    const token = signJws(KEY, { ...HEADER, typ: "At+Jwt", jwk: OTHER_KEY.jwk }, CLAIMS);
    expect(readJwtHeader(token)).toEqual({ ok: true, value: HEADER });
  });

  const part = (text: string) => Buffer.from(text).toString("base64url");
  test.each([
    ["nothing", ""],
    ["one part", "abc"],
    ["two parts", `${base64url(HEADER)}.${base64url(CLAIMS)}`],
    ["an empty signature", `${base64url(HEADER)}.${base64url(CLAIMS)}.`],
    ["four parts", `${signJws(KEY, HEADER, CLAIMS)}.AAAA`],
    ["five parts, as a JWE has", `${base64url(HEADER)}.A.A.A.A`],
    ["a character that base64url has not", `${signJws(KEY, HEADER, CLAIMS)}=`],
    ["60 000 dots", ".".repeat(60_000)],
    ["more than 16 KiB", signJws(KEY, HEADER, { ...CLAIMS, name: "a".repeat(16 * 1024) })],
    ["a header that is no JSON", `${part("{")}.e30.AAAA`],
    ["a header that is null", `${part("null")}.e30.AAAA`],
    ["a header that is a list", `${part('["ES256"]')}.e30.AAAA`],
    ["no algorithm", withHeader({ alg: undefined })],
    ["an algorithm that is no text", withHeader({ alg: 256 })],
    ["a key id that is no text", withHeader({ kid: { a: 1 } })],
    ["a type that is no text", withHeader({ typ: ["at+jwt"] })],
    ["critical extensions", withHeader({ crit: ["exp"] })],
    ["compression", withHeader({ zip: "DEF" })],
  ])("refuses %s as malformed", (_what, token) => {
    expect(readJwtHeader(token)).toEqual({ ok: false, error: "malformed" });
    expect(faultOf(token)).toBe("malformed");
  });
});
