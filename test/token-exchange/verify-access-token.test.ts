import { createPublicKey, randomBytes } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { beforeEach, describe, expect, it } from "vitest";
import type { Identity } from "../../core/identity.ts";
import { createSessionEndings } from "../../proxy/identify/session-endings.ts";
import { type BearerSessions, createBearerSessions } from "../../token-exchange/bearer-sessions.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { issueAccessToken } from "../../token-exchange/issue-access-token.ts";
import { issueAssertion } from "../../token-exchange/issue-assertion.ts";
import { type Keyring, openKeyring } from "../../token-exchange/keyring.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { verifyAccessToken } from "../../token-exchange/verify-access-token.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { claimsOfAlice, compactJws, createEcKey, NOW, signedBy } from "../support/provider-fixture.ts";

const publicUrl = "https://agents.example.com";
const alice = verifiedAlice({ via: "bearer" });
let clock: ManualClock;
let store: MemoryStore;
let keyring: Keyring;
let sessions: BearerSessions;

beforeEach(async () => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
  const encryptionKey = randomBytes(32);
  const trustKey = generateEcKeyPair().privateKey;
  keyring = await openKeyring({ store, clock, encryptionKey, trustKey, issuer: "gatehouse" });
  sessions = createBearerSessions({
    store,
    index: createSessionIndex(store, clock.now),
    now: clock.now,
    encryptionKey,
  });
  await sessions.open(alice);
});

function issue(changes: Partial<Identity> = {}) {
  const identity = verifiedAlice({ via: "bearer", ...changes });
  return issueAccessToken(keyring, { identity, clientId: "gatehouse-cli", publicUrl }, clock.now());
}

function verify(token: string) {
  return verifyAccessToken(token, { keyring, sessions, publicUrl, clock }, 3);
}

/** Signed by the door's own key, with one thing changed. */
function signedByTheDoor(claims: Record<string, unknown>, header: Record<string, unknown> = {}): string {
  const { kid, key } = keyring.signingKey();
  const valid = decoded(issue().token);
  const all = Object.entries({ ...valid, ...claims }).filter(([, value]) => value !== undefined);
  return jsonwebtoken.sign(Object.fromEntries(all), key, {
    algorithm: "ES256",
    // Would take an iat of ours out as well.
    noTimestamp: "iat" in claims && claims["iat"] === undefined,
    header: { alg: "ES256", typ: "at+jwt", kid, ...header },
  });
}

function decoded(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

function refusal(fault: string) {
  return { ok: false, error: { code: "bearer_invalid", fault } };
}

const endings = () => createSessionEndings(store, createSessionIndex(store, clock.now));

describe("an access token of the door", () => {
  it("names the bearer session and keeps the person out of it", () => {
    const { token, expiresInSeconds } = issue();
    expect(expiresInSeconds).toBe(300);
    expect(decoded(token)).toEqual({
      iss: publicUrl,
      aud: publicUrl,
      sub: alice.userId,
      sid: alice.sid,
      client_id: "gatehouse-cli",
      iat: NOW / 1000,
      exp: NOW / 1000 + 300,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
  });

  it("proves the identity that its session holds, as of the caller's newest event", async () => {
    expect(await verify(issue().token)).toEqual({
      ok: true,
      value: { identity: { ...alice, asOfEvent: 3 }, freshUntil: NOW + 300_000 },
    });
  });

  it("ends with the proof of the identity when that is sooner", () => {
    expect(issue({ expiresAt: NOW + 42_500 }).expiresInSeconds).toBe(42);
  });

  it("ends at once when its session is ended", async () => {
    const { token } = issue();
    await endings().endOne(alice.sid, "ended_by_admin");
    expect(await verify(token)).toEqual({ ok: false, error: { code: "session_ended", how: "ended" } });
  });

  it("ends with its session even within the tolerance for clocks", async () => {
    const soon = verifiedAlice({ via: "bearer", expiresAt: NOW + 10_000 });
    const keeping = { ...sessions, read: async () => ({ ok: true, value: soon }) as const };
    const { token } = issue({ expiresAt: NOW + 10_000 });
    clock.advance(10_000);
    const answer = await verifyAccessToken(token, { keyring, sessions: keeping, publicUrl, clock }, 0);
    expect(answer).toEqual({ ok: false, error: { code: "session_ended", how: "expired" } });
  });

  it("is refused after its 5 minutes and the tolerance for clocks", async () => {
    const { token } = issue();
    clock.advance(329_000);
    expect((await verify(token)).ok).toBe(true);
    clock.advance(1_000);
    expect(await verify(token)).toEqual(refusal("expired"));
  });

  it("cannot be judged while the store is away", async () => {
    const { token } = issue();
    store.fail();
    expect(await verify(token)).toEqual({ ok: false, error: { code: "store_unavailable" } });
  });
});

describe("what is no access token of the door", () => {
  it("(a token that these tests sign without a change is one)", async () => {
    expect((await verify(signedByTheDoor({}))).ok).toBe(true);
  });

  it("an assertion of the door", async () => {
    const { token } = issueAssertion(
      keyring,
      { identity: alice, agents: [], audience: publicUrl, use: "http" },
      NOW,
    );
    expect(await verify(token)).toEqual(refusal("wrong_type"));
  });

  it("an access token of the provider, or of anyone else who copies ours", async () => {
    const stranger = createEcKey("k1");
    expect(await verify(signedBy(stranger, claimsOfAlice()))).toEqual(refusal("unknown_key"));
    const { kid } = keyring.signingKey();
    expect(await verify(signedBy(stranger, decoded(issue().token), { kid }))).toEqual(
      refusal("bad_signature"),
    );
  });

  const later = NOW / 1000 + 31;
  it.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ["no type", "wrong_type", {}, { typ: undefined }],
    ["the type of an ID token", "wrong_type", {}, { typ: "JWT" }],
    ["another issuer", "wrong_issuer", { iss: "https://evil.example" }, {}],
    ["no issuer", "wrong_issuer", { iss: undefined }, {}],
    ["another audience", "wrong_audience", { aud: "https://evil.example" }, {}],
    ["no audience", "wrong_audience", { aud: undefined }, {}],
    ["no expiry", "bad_claims", { exp: undefined }, {}],
    ["no time of issue", "bad_claims", { iat: undefined }, {}],
    ["a time of issue to come", "not_yet_valid", { iat: later, exp: later + 60 }, {}],
    ["a beginning to come", "not_yet_valid", { nbf: later }, {}],
    ["no session", "bad_claims", { sid: undefined }, {}],
    ["a session of the wrong form", "bad_claims", { sid: "../../x" }, {}],
    ["another subject than its session's", "bad_claims", { sub: "u_aaaaaaaaaaaaaaaaaaaaaaaaaa" }, {}],
    ["no key id", "unknown_key", {}, { kid: undefined }],
    ["a path for a key id", "unknown_key", {}, { kid: "../../x" }],
    ["critical headers", "malformed", {}, { crit: ["x"] }],
  ])("a token of ours with %s (%s)", async (_, fault, claims, header) => {
    expect(await verify(signedByTheDoor(claims, header))).toEqual(refusal(fault));
  });

  it.each(["none", "None", "NONE", "nOnE", ""])("a token without signature, alg %j", async (alg) => {
    const { kid } = keyring.signingKey();
    const header = { alg, typ: "at+jwt", kid };
    expect(await verify(compactJws(header, decoded(issue().token), ""))).toEqual(refusal("malformed"));
    expect(await verify(compactJws(header, decoded(issue().token), "AA"))).toEqual(
      refusal("wrong_algorithm"),
    );
  });

  it("a token whose HMAC was made with our public key (CVE-2016-10555)", async () => {
    const { kid, key } = keyring.signingKey();
    const pem = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
    const header = { alg: "HS256", typ: "at+jwt", kid };
    const token = jsonwebtoken.sign(decoded(issue().token), pem, { algorithm: "HS256", header });
    expect(await verify(token)).toEqual(refusal("wrong_algorithm"));
  });

  it("a token with the signature r=s=0 (CVE-2022-21449)", async () => {
    const { kid } = keyring.signingKey();
    const header = { alg: "ES256", typ: "at+jwt", kid };
    const zero = Buffer.alloc(64).toString("base64url");
    expect(await verify(compactJws(header, decoded(issue().token), zero))).toEqual(refusal("bad_signature"));
  });

  it("a token that brings its own key (CVE-2018-0114)", async () => {
    const stranger = createEcKey("k1");
    const { kid } = keyring.signingKey();
    const own = signedBy(stranger, decoded(issue().token), { kid, jwk: stranger.jwk });
    expect(await verify(own)).toEqual(refusal("bad_signature"));
  });

  it.each([
    ["nothing", ""],
    ["60,000 dots", ".".repeat(60_000)],
    ["text", "abc"],
    ["two parts", "a.b"],
    ["a JWE's five parts", "a.b.c.d.e"],
    ["base64 with padding", "e30=.e30=.AA=="],
    ["more than 16 KiB", `e30.${"A".repeat(17_000)}.AA`],
  ])("%s", async (_, text) => {
    expect(await verify(text)).toEqual(refusal("malformed"));
  });
});
