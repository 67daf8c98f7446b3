// OpenID Connect Back-Channel Logout 1.0 §2.4 to §2.6, rows S63, S66 to S69, S71, S76: one valid token, each test
// changes one thing.
import { describe, expect, it } from "vitest";
import { err, ok } from "../../core/result.ts";
import { createProviderMetadata } from "../../token-exchange/provider-metadata.ts";
import { createLogoutTokenVerifier } from "../../token-exchange/verify-logout-token.ts";
import { signIdToken } from "../support/fault-provider.ts";
import { createManualClock } from "../support/manual-clock.ts";
import {
  CLIENT_ID,
  compactJws,
  createProviderDocuments,
  createRsaKey,
  ISSUER,
  NOW,
  signedBy,
} from "../support/provider-fixture.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const key = createRsaKey("key-1");
const stranger = createRsaKey("key-1");
const iat = NOW / 1000;

function claims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const all = {
    iss: ISSUER,
    aud: CLIENT_ID,
    iat,
    exp: iat + 60,
    jti: "token-1",
    events: { [EVENT]: {} },
    sub: "alice-1",
    sid: "provider-session-1",
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const token = (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  signedBy(key, claims(changes), { typ: "logout+jwt", ...header });

function open() {
  const clock = createManualClock(NOW);
  const documents = createProviderDocuments(key);
  const verify = createLogoutTokenVerifier({
    provider: { issuer: ISSUER, clientId: CLIENT_ID, idTokenSigningAlg: "RS256" },
    metadata: createProviderMetadata({
      issuer: ISSUER,
      name: "Example SSO",
      timeoutMs: 1_000,
      fetch: documents.fetch,
      clock,
    }),
    clock,
  });
  return { verify, clock, documents };
}

const invalid = (what: string) => err({ kind: "invalid", what });

describe("a logout token is accepted", () => {
  it.each([
    ["with sub and sid", token(), { subject: "alice-1", providerSid: "provider-session-1" }],
    ["with sub alone", token({ sid: undefined }), { subject: "alice-1", providerSid: null }],
    ["with sid alone", token({ sub: undefined }), { subject: null, providerSid: "provider-session-1" }],
    [
      "with the long form of its type",
      token({}, { typ: "application/logout+jwt" }),
      { subject: "alice-1", providerSid: "provider-session-1" },
    ],
    [
      "without a type",
      token({}, { typ: undefined }),
      { subject: "alice-1", providerSid: "provider-session-1" },
    ],
    [
      "with another event beside",
      token({ events: { [EVENT]: {}, "https://example.com/other": {} } }),
      { subject: "alice-1", providerSid: "provider-session-1" },
    ],
  ])("%s", async (_what, text, expected) => {
    const acceptableUntil = NOW + (60 + 30 + 1) * 1000;
    expect(await open().verify(text)).toEqual(
      ok({ issuer: ISSUER, jti: "token-1", acceptableUntil, ...expected }),
    );
  });

  it("without exp, for two minutes", async () => {
    const { verify, clock } = open();
    const text = token({ exp: undefined });
    expect(await verify(text)).toMatchObject({ value: { acceptableUntil: NOW + (120 + 30 + 1) * 1000 } });
    clock.advance(149_999);
    expect((await verify(text)).ok).toBe(true);
    clock.advance(1);
    expect(await verify(text)).toEqual(invalid("expired"));
  });

  it("never after it is said to be acceptable", async () => {
    for (const exp of [iat + 10, iat + 60, iat + 100_000, undefined]) {
      const { verify, clock } = open();
      const text = token({ exp });
      const found = await verify(text);
      clock.advance(found.ok ? found.value.acceptableUntil - NOW - 1_001 : 0);
      expect((await verify(text)).ok).toBe(true);
      clock.advance(1_001);
      expect(await verify(text)).toEqual(invalid("expired"));
    }
  });
});

describe("a logout token is refused", () => {
  it.each([
    ["of another issuer", token({ iss: "https://evil.example.com" }), "wrong_issuer"],
    ["for another client", token({ aud: "another" }), "wrong_audience"],
    ["for nobody", token({ aud: undefined }), "wrong_audience"],
    ["from the future", token({ iat: iat + 31, exp: iat + 90 }), "not_yet_valid"],
    ["that has expired", token({ iat: iat - 100, exp: iat - 30 }), "expired"],
    ["that is old, however long it says it lives", token({ iat: iat - 150, exp: iat + 9_999 }), "expired"],
    ["with an exp that is no number", compactSigned({ exp: "soon" }), "bad_claims"],
    ["without jti", token({ jti: undefined }), "no_jti"],
    ["with an empty jti", token({ jti: "" }), "no_jti"],
    ["with a jti that is a number", compactSigned({ jti: 7 }), "no_jti"],
    ["without events", token({ events: undefined }), "no_event"],
    ["with events as a list", token({ events: [EVENT] }), "no_event"],
    ["with the event as a text", token({ events: EVENT }), "no_event"],
    ["with another event only", token({ events: { "https://example.com/other": {} } }), "no_event"],
    ["with an event whose value is no object", token({ events: { [EVENT]: true } }), "no_event"],
    ["with an event spelled otherwise", token({ events: { [EVENT.toUpperCase()]: {} } }), "no_event"],
    ["with a nonce", token({ nonce: "n" }), "nonce"],
    ["with an empty nonce", token({ nonce: "" }), "nonce"],
    ["without sub and sid", token({ sub: undefined, sid: undefined }), "no_subject"],
    ["with an empty sub", token({ sub: "" }), "no_subject"],
    ["with a sid that is a list", token({ sid: ["provider-session-1"] }), "no_subject"],
    ["S76: with the type of an access token", token({}, { typ: "at+jwt" }), "wrong_type"],
    ["S76: with the type of an ID token", token({}, { typ: "JWT" }), "wrong_type"],
    [
      "S66: without a signature",
      compactJws({ alg: "none", kid: "key-1" }, claims(), "AA"),
      "wrong_algorithm",
    ],
    [
      "S68: signed by a stranger under a known kid",
      signedBy(stranger, claims(), { typ: "logout+jwt" }),
      "bad_signature",
    ],
    ["S69: of a key nobody knows", token({}, { kid: "theirs" }), "unknown_key"],
    ["S69: without a kid", token({}, { kid: undefined }), "unknown_key"],
    ["that is none", "not a token", "malformed"],
    ["S71: that is 60,000 dots", ".".repeat(60_000), "malformed"],
  ])("%s", async (_what, text, what) => {
    expect(await open().verify(text)).toEqual(invalid(what));
  });

  it("without a request when it would be refused anyway", async () => {
    const { verify, documents } = open();
    for (const text of [token({}, { typ: "JWT" }), token({}, { kid: undefined }), "x"]) await verify(text);
    expect(documents.requests).toEqual([]);
  });
});

it("a logout token that cannot be verified for now is neither", async () => {
  const { verify, documents } = open();
  documents.keys = () => new Response("", { status: 500 });
  expect(await verify(token())).toEqual(
    err({
      kind: "unverifiable",
      denial: { code: "provider_unavailable", provider: "Example SSO", what: `${ISSUER}/keys answered 500` },
    }),
  );
});

/** Claims that no library would sign. */
function compactSigned(changes: Record<string, unknown>): string {
  return signIdToken(key, claims(changes), { typ: "logout+jwt" });
}
