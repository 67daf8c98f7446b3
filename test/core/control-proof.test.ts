import { describe, expect, it } from "vitest";
import { type ExpectedProof, verifyControlProof, verifyEmbeddedKeyJwt } from "../../core/control-proof.ts";
import { createTestKey, signJws } from "../support/assertion-fixture.ts";

const NOW = Date.UTC(2026, 10, 2, 9, 0, 0);
const iat = NOW / 1000;
const trust = createTestKey();
const header = { alg: "ES256", typ: "gateway-control-proof+jwt", jwk: trust.jwk };
const nonces = { doorNonce: "d".repeat(43), gatewayNonce: "g".repeat(43) };
const claims = {
  iss: "gatehouse",
  aud: "cloud/cloud-1",
  iat,
  exp: iat + 30,
  v: 1,
  side: "door",
  ...nonces,
};
const expected: ExpectedProof = {
  side: "door",
  issuer: "gatehouse",
  audience: "cloud/cloud-1",
  now: NOW,
  ...nonces,
};

describe("a proof", () => {
  it("says which key signed it, whatever the header calls that key", () => {
    const named = { ...header, jwk: { ...trust.jwk, kid: "another" }, kid: "another" };
    expect(verifyControlProof(signJws(trust, named, claims), expected)).toEqual({
      ok: true,
      value: trust.kid,
    });
  });

  it("by a stranger is sound and names the stranger: the pin decides", () => {
    const stranger = createTestKey();
    const proof = signJws(stranger, { ...header, jwk: stranger.jwk }, claims);
    expect(verifyControlProof(proof, expected)).toEqual({ ok: true, value: stranger.kid });
    expect(stranger.kid).not.toBe(trust.kid);
  });

  it("holds for its thirty seconds and the clocks' skew, both ways", () => {
    const proof = signJws(trust, header, claims);
    const at = (ms: number) => verifyControlProof(proof, { ...expected, now: NOW + ms });
    expect(at(59_000).ok).toBe(true);
    expect(at(60_000)).toEqual({ ok: false, error: "expired" });
    expect(at(-30_000).ok).toBe(true);
    expect(at(-31_000)).toEqual({ ok: false, error: "not_yet_valid" });
  });

  it.each([
    ["of the gateway's side", { side: "gateway" }, "wrong_side"],
    ["for another nonce of the door's", { doorNonce: "e".repeat(43) }, "wrong_nonce"],
    ["for another nonce of the gateway's", { gatewayNonce: "e".repeat(43) }, "wrong_nonce"],
    ["for a nonce that is none", { gatewayNonce: "" }, "bad_claims"],
    ["of another version", { v: 2 }, "bad_claims"],
    ["for another endpoint", { aud: "cloud/cloud-2" }, "wrong_audience"],
    ["of another door", { iss: "elsewhere" }, "wrong_issuer"],
    ["good for longer than a proof may be", { exp: iat + 31 }, "bad_claims"],
  ])("%s is refused", (_, changes, error) => {
    const proof = signJws(trust, header, { ...claims, ...changes });
    expect(verifyControlProof(proof, expected)).toEqual({ ok: false, error });
  });

  it("with the private part of a key in its header is verified by the public part alone", () => {
    const { d } = trust.privateKey.export({ format: "jwk" });
    const proof = signJws(trust, { ...header, jwk: { ...trust.jwk, d } }, claims);
    expect(verifyControlProof(proof, expected)).toEqual({ ok: true, value: trust.kid });
  });

  it("that is no JWT is refused", () => {
    for (const text of ["", "a.b", "a.b.c", "..", `${"a".repeat(20_000)}.b.c`])
      expect(verifyControlProof(text, expected)).toEqual({ ok: false, error: "malformed" });
  });
});

describe("a JWT that carries its key", () => {
  it("has that key looked up nowhere else", () => {
    const rules = { types: ["gateway-control+jwt"], issuer: "gatehouse", audience: "a", now: NOW };
    const elsewhere = { alg: "ES256", typ: "gateway-control+jwt", jku: "http://127.0.0.1:1/keys" };
    expect(verifyEmbeddedKeyJwt(signJws(trust, elsewhere, claims), rules)).toEqual({
      ok: false,
      error: "unknown_key",
    });
  });
});
