import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import jsonwebtoken from "jsonwebtoken";
import { beforeEach, describe, expect, it } from "vitest";
import { createProviderMetadata } from "../../token-exchange/provider-metadata.ts";
import {
  createProviderTokenVerifier,
  type ProviderTokenDeps,
} from "../../token-exchange/verify-provider-token.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import {
  AUDIENCE,
  CLIENT_ID,
  claimsOfAlice,
  compactJws,
  createEcKey,
  createProviderDocuments,
  createRsaKey,
  ISSUER,
  NOW,
  type ProviderDocuments,
  type ProviderKeyPair,
  signedBy,
} from "../support/provider-fixture.ts";

const ec = createEcKey("ec");
const rsa = createRsaKey("rsa");
const unlabelled: ProviderKeyPair = { ...createRsaKey("unlabelled") };
const valid = claimsOfAlice();
let clock: ManualClock;
let documents: ProviderDocuments;

beforeEach(() => {
  clock = createManualClock(NOW);
  documents = createProviderDocuments(ec, rsa, { ...unlabelled, jwk: { ...unlabelled.jwk, alg: undefined } });
});

function verifier(rules: Partial<ProviderTokenDeps["rules"]> = {}) {
  const metadata = createProviderMetadata({
    issuer: ISSUER,
    name: "Okta",
    timeoutMs: 8_000,
    fetch: documents.fetch,
    clock,
  });
  return createProviderTokenVerifier({
    provider: { issuer: ISSUER, clientId: CLIENT_ID },
    rules: { audience: AUDIENCE, types: ["at+jwt"], algorithms: ["RS256", "ES256"], ...rules },
    metadata,
    clock,
  });
}

function refusal(fault: string) {
  return { ok: false, error: { code: "bearer_invalid", fault } };
}

describe("an access token of the provider", () => {
  it.each([
    ["ES256", ec],
    ["RS256", rsa],
    ["RS256, by a key that names no algorithm", unlabelled],
  ])("is accepted with %s", async (_, key) => {
    expect(await verifier()(signedBy(key, valid))).toEqual({
      ok: true,
      value: {
        issuer: ISSUER,
        subject: "alice-1",
        clientId: "gatehouse-cli",
        issuedAt: NOW,
        expiresAt: NOW + 3_600_000,
        claims: valid,
      },
    });
  });

  it("may be for several audiences, and may be of any type that is configured", async () => {
    const several = signedBy(ec, claimsOfAlice({ aud: ["https://other.example", AUDIENCE] }));
    expect((await verifier()(several)).ok).toBe(true);
    const longType = signedBy(ec, valid, { typ: "application/AT+JWT" });
    expect((await verifier({ types: ["application/at+jwt"] })(longType)).ok).toBe(true);
    const untyped = signedBy(ec, valid, { typ: undefined });
    expect((await verifier({ types: ["none"] })(untyped)).ok).toBe(true);
    expect(await verifier()(untyped)).toEqual(refusal("wrong_type"));
  });

  it.each([
    [{ client_id: undefined, azp: "cli" }, "cli"],
    [{ client_id: undefined, cid: "0oa1" }, "0oa1"],
    [{ client_id: undefined }, "unknown"],
    [{ client_id: ["x"] }, "unknown"],
  ])("names its client as its provider does: %j", async (changes, clientId) => {
    const token = await verifier()(signedBy(ec, claimsOfAlice(changes)));
    expect(token.ok && token.value.clientId).toBe(clientId);
  });

  it("cannot be judged while the provider's keys cannot be had", async () => {
    documents.discovery = () => new Response("", { status: 500 });
    expect(await verifier()(signedBy(ec, valid))).toEqual({
      ok: false,
      error: {
        code: "provider_unavailable",
        provider: "Okta",
        what: `${ISSUER}/.well-known/openid-configuration answered 500`,
      },
    });
  });
});

describe("what is no access token of the provider for this door", () => {
  const seconds = NOW / 1000;
  it.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ["another type", "wrong_type", {}, { typ: "JWT" }],
    ["the type of a logout token", "wrong_type", {}, { typ: "logout+jwt" }],
    ["another issuer", "wrong_issuer", { iss: `${ISSUER}/` }, {}],
    ["no issuer", "wrong_issuer", { iss: undefined }, {}],
    ["another audience", "wrong_audience", { aud: "other" }, {}],
    ["a longer audience", "wrong_audience", { aud: `${AUDIENCE}-2` }, {}],
    ["no audience", "wrong_audience", { aud: undefined }, {}],
    ["no expiry", "bad_claims", { exp: undefined }, {}],
    ["an expiry longer ago than the tolerance", "expired", { exp: seconds - 31 }, {}],
    ["a beginning further away than the tolerance", "not_yet_valid", { nbf: seconds + 31 }, {}],
    ["a time of issue further away than the tolerance", "not_yet_valid", { iat: seconds + 31 }, {}],
    ["no subject", "no_subject", { sub: undefined }, {}],
    ["an empty subject", "no_subject", { sub: "" }, {}],
    ["a subject of 256 characters", "no_subject", { sub: "x".repeat(256) }, {}],
    ["the client among its audiences", "id_token", { aud: [AUDIENCE, CLIENT_ID] }, {}],
    ["a nonce", "id_token", { nonce: "n" }, {}],
    ["an at_hash", "id_token", { at_hash: "h" }, {}],
    ["a c_hash", "id_token", { c_hash: "h" }, {}],
    ["a binding to a key", "bad_claims", { cnf: { jkt: "x" } }, {}],
    ["critical headers", "malformed", {}, { crit: ["b64"], b64: false }],
    ["no key id", "unknown_key", {}, { kid: undefined }],
    ["a path for a key id", "unknown_key", {}, { kid: "../../../dev/null" }],
    ["__proto__ for a key id", "unknown_key", {}, { kid: "__proto__" }],
    ["the id of a key for another algorithm", "wrong_algorithm", {}, { kid: "rsa" }],
    ["the id of a key of another kind", "malformed", {}, { kid: "unlabelled" }],
  ])("a token with %s (%s)", async (_, fault, claims, header) => {
    expect(await verifier()(signedBy(ec, claimsOfAlice(claims), header))).toEqual(refusal(fault));
  });

  it("a token without a time of issue", async () => {
    const token = jsonwebtoken.sign(valid, ec.privateKey, {
      algorithm: "ES256",
      noTimestamp: true,
      header: { alg: "ES256", typ: "at+jwt", kid: "ec" },
    });
    expect(await verifier()(token)).toEqual(refusal("bad_claims"));
  });

  it("a token at the edge of the tolerance is one", async () => {
    const edge = { exp: seconds - 29, nbf: seconds + 30, iat: seconds + 30 };
    expect((await verifier()(signedBy(ec, claimsOfAlice(edge)))).ok).toBe(true);
  });

  it("a token with an algorithm that is not configured, or that its key is not for", async () => {
    expect(await verifier({ algorithms: ["RS256"] })(signedBy(ec, valid))).toEqual(
      refusal("wrong_algorithm"),
    );
    const pss = jsonwebtoken.sign(valid, rsa.privateKey, {
      algorithm: "PS256",
      header: { alg: "PS256", typ: "at+jwt", kid: "rsa" },
    });
    const both = verifier({ algorithms: ["RS256", "PS256"] });
    expect(await both(pss)).toEqual(refusal("wrong_algorithm"));
    expect((await both(signedBy(rsa, valid))).ok).toBe(true);
  });

  it("a token of a stranger under a known key id", async () => {
    expect(await verifier()(signedBy(createEcKey("ec"), valid))).toEqual(refusal("bad_signature"));
  });

  it("a token with one bit of its claims changed", async () => {
    const [header = "", , signature = ""] = signedBy(ec, valid).split(".");
    const changed = Buffer.from(JSON.stringify(claimsOfAlice({ sub: "alice-2" }))).toString("base64url");
    expect(await verifier()(`${header}.${changed}.${signature}`)).toEqual(refusal("bad_signature"));
  });

  it("a token with the signature r=s=0 (CVE-2022-21449)", async () => {
    const header = { alg: "ES256", typ: "at+jwt", kid: "ec" };
    const zero = Buffer.alloc(64).toString("base64url");
    expect(await verifier()(compactJws(header, valid, zero))).toEqual(refusal("bad_signature"));
  });

  it.each(["none", "None", "NONE", "nOnE"])("a token without signature, alg %s", async (alg) => {
    const header = { alg, typ: "at+jwt", kid: "ec" };
    expect(await verifier()(compactJws(header, valid, ""))).toEqual(refusal("malformed"));
    expect(await verifier()(compactJws(header, valid, "AA"))).toEqual(refusal("wrong_algorithm"));
  });

  it.each([ec, rsa])(
    "a token whose HMAC was made with a public key of the provider (CVE-2016-10555)",
    async (key) => {
      const pem = createPublicKey({ key: key.jwk as JsonWebKey, format: "jwk" }).export({
        type: "spki",
        format: "pem",
      });
      const token = jsonwebtoken.sign(valid, pem.toString(), {
        algorithm: "HS256",
        header: { alg: "HS256", typ: "at+jwt", kid: key.kid },
      });
      expect(await verifier()(token)).toEqual(refusal("wrong_algorithm"));
    },
  );

  it("a token that brings its own key, or says where it is: nothing is fetched from there (S69)", async () => {
    let connections = 0;
    const listener = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/keys`;
    const stranger = createEcKey("stranger");
    for (const kid of ["stranger", "ec", url]) {
      const header = { kid, jwk: stranger.jwk, jku: url, x5u: url, x5c: ["AA=="] };
      const fault = kid === "ec" ? "bad_signature" : "unknown_key";
      expect(await verifier()(signedBy(stranger, claimsOfAlice({ iss: ISSUER }), header))).toEqual(
        refusal(fault),
      );
    }
    await new Promise((resolve) => listener.close(resolve));
    expect(connections).toBe(0);
    const asked = new Set(documents.requests);
    expect(asked).toEqual(new Set([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`]));
  });

  it.each([
    ["opaque", ""],
    ["opaque", "2YotnFZFEjr1zCsicMWpAA"],
    ["opaque", "one.dot"],
    ["malformed", "a.b.c"],
    ["malformed", "a.b.c.d.e"],
    ["malformed", ".".repeat(60_000)],
    ["malformed", `${"A".repeat(20_000)}.A.A`],
    ["malformed", "e30.e30.AA"],
    ["malformed", `${Buffer.from("[]").toString("base64url")}.e30.AA`],
    ["wrong_type", compactJws({ alg: "ES256", typ: "JWT", kid: "ec" }, {}, "AA")],
    ["malformed", compactJws({ alg: "ES256", typ: "at+jwt", kid: "ec", zip: "DEF" }, {}, "AA")],
    [
      "wrong_algorithm",
      compactJws({ alg: "PBES2-HS256+A128KW", p2c: 2_147_483_647, typ: "at+jwt" }, {}, "AA"),
    ],
  ])("a text that is %s causes no request (%#)", async (fault, text) => {
    expect(await verifier()(text)).toEqual(refusal(fault));
    expect(documents.requests).toEqual([]);
  });

  it("claims nested 3,000 deep do no harm", async () => {
    const deep = `${"[".repeat(3_000)}${"]".repeat(3_000)}`;
    const payload = JSON.stringify(valid).replace(/}$/, `,"groups":${deep}}`);
    const token = jsonwebtoken.sign(payload, ec.privateKey, {
      algorithm: "ES256",
      header: { alg: "ES256", typ: "at+jwt", kid: "ec" },
    });
    expect((await verifier()(token)).ok).toBe(true);
  });
});
