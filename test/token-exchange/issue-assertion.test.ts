import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { audienceOf, parseAssertionClaims } from "../../core/assertion.ts";
import { parseAgentId } from "../../core/ids.ts";
import { readJwtHeader, verifyJwt } from "../../core/jwt.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { type AssertionSubject, issueAssertion } from "../../token-exchange/issue-assertion.ts";
import { type Keyring, openKeyring } from "../../token-exchange/keyring.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createMemoryStore } from "../support/memory-store.ts";
import { NOW } from "../support/provider-fixture.ts";

const clock = createManualClock(NOW);
const audience = audienceOf("cloud", "cloud-1");
const agents = ["assistant", "coder"].flatMap((name) => parseAgentId(name) ?? []);
let keyring: Keyring;

beforeAll(async () => {
  keyring = await openKeyring({
    store: createMemoryStore(clock),
    clock,
    encryptionKey: randomBytes(32),
    trustKey: generateEcKeyPair().privateKey,
    issuer: "gatehouse",
  });
});

function issue(changes: Partial<AssertionSubject> = {}) {
  const subject: AssertionSubject = { identity: verifiedAlice(), agents, audience, use: "upgrade" };
  return issueAssertion(keyring, { ...subject, ...changes }, NOW);
}

function verify(token: string, audienceAsked = audience) {
  const key = keyring.verificationKey(keyring.signingKey().kid);
  if (key === undefined) throw new Error("the keyring does not know its own key");
  return verifyJwt(token, key, {
    types: ["gateway-assertion+jwt"],
    algorithms: ["ES256"],
    issuer: "gatehouse",
    audience: audienceAsked,
    now: NOW,
    skewSeconds: 0,
  });
}

describe("an assertion", () => {
  it("says no e-mail that nobody has verified", () => {
    const verified = verify(issue({ identity: verifiedAlice({ emailTrusted: false }) }).token);
    expect(verified.ok && verified.value.claims["email"]).toBe(null);
  });

  it("says who, for which endpoint, which agents and which use, for 60 seconds", () => {
    const { token, claims } = issue();
    const identity = verifiedAlice();
    expect(claims).toEqual({
      iss: "gatehouse",
      aud: "cloud/cloud-1",
      sub: identity.userId,
      sid: identity.sid,
      email: "alice@example.com",
      name: "Alice Archer",
      agents: ["assistant", "coder"],
      use: "upgrade",
      iat: NOW / 1000,
      exp: NOW / 1000 + 60,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
    const verified = verify(token);
    expect(verified.ok && verified.value.claims).toEqual(claims);
    expect(verified.ok && parseAssertionClaims(verified.value.claims)).toEqual(claims);
  });

  it("names its type and its key, and carries no other header", () => {
    const { token } = issue();
    const header: unknown = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
    expect(header).toEqual({ alg: "ES256", typ: "gateway-assertion+jwt", kid: keyring.signingKey().kid });
    expect(readJwtHeader(token).ok).toBe(true);
  });

  it("ends with the proof of the identity when that is sooner", () => {
    const { claims } = issue({ identity: verifiedAlice({ expiresAt: NOW + 7_900 }) });
    expect(claims.exp).toBe(NOW / 1000 + 7);
  });

  it("tells the groups only when asked to", () => {
    const groups = ["engineering", "staff,admins"];
    expect(issue().claims).not.toHaveProperty("groups");
    const { token, claims } = issue({ groups });
    expect(claims.groups).toEqual(groups);
    const verified = verify(token);
    expect(verified.ok && verified.value.claims["groups"]).toEqual(groups);
  });

  it("is never the same twice", () => {
    const ids = new Set(Array.from({ length: 100 }, () => issue().claims.jti));
    expect(ids.size).toBe(100);
  });

  it("is not accepted at another endpoint", () => {
    expect(verify(issue().token, "cloud/cloud-2")).toEqual({ ok: false, error: "wrong_audience" });
  });

  it("carries any text in a name unharmed, and an absent e-mail as null", () => {
    const name = 'Zoë\r\nX-Forwarded-User: root"\u0000';
    const { token } = issue({ identity: verifiedAlice({ name, email: null }) });
    const verified = verify(token);
    expect(verified.ok && [verified.value.claims["name"], verified.value.claims["email"]]).toEqual([
      name,
      null,
    ]);
  });
});
