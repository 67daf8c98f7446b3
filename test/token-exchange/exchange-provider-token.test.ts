import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Denial } from "../../core/denial.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import { userIdOf } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { createSessionEndings } from "../../proxy/identify/session-endings.ts";
import { type BearerSessions, createBearerSessions } from "../../token-exchange/bearer-sessions.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import {
  exchangeProviderToken,
  type TokenExchangeDeps,
} from "../../token-exchange/exchange-provider-token.ts";
import { openKeyring } from "../../token-exchange/keyring.ts";
import { createProviderMetadata } from "../../token-exchange/provider-metadata.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { verifyAccessToken } from "../../token-exchange/verify-access-token.ts";
import { createProviderTokenVerifier } from "../../token-exchange/verify-provider-token.ts";
import { claimRules } from "../support/claim-rules.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import {
  AUDIENCE,
  CLIENT_ID,
  claimsOfAlice,
  createEcKey,
  createProviderDocuments,
  ISSUER,
  NOW,
  signedBy,
} from "../support/provider-fixture.ts";

const HOUR = 3_600_000;
const publicUrl = "https://agents.example.com";
const key = createEcKey("k1");
let clock: ManualClock;
let store: MemoryStore;
let sessions: BearerSessions;
let deps: TokenExchangeDeps;

beforeEach(async () => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
  const encryptionKey = randomBytes(32);
  const trustKey = generateEcKeyPair().privateKey;
  const { fetch } = createProviderDocuments(key);
  const metadata = createProviderMetadata({ issuer: ISSUER, name: "Okta", timeoutMs: 8_000, fetch, clock });
  sessions = createBearerSessions({
    store,
    index: createSessionIndex(store, clock.now),
    now: clock.now,
    encryptionKey,
  });
  deps = {
    verifyProviderToken: createProviderTokenVerifier({
      provider: { issuer: ISSUER, clientId: CLIENT_ID },
      rules: { audience: AUDIENCE, types: ["at+jwt"], algorithms: ["ES256"] },
      metadata,
      clock,
    }),
    claimRulesOf: (issuer) => (issuer === ISSUER ? claimRules(ISSUER) : undefined),
    sessions,
    keyring: await openKeyring({ store, clock, encryptionKey, trustKey, issuer: "gatehouse" }),
    publicUrl,
    absoluteMs: 12 * HOUR,
    clock,
  };
});

function exchange(
  changes: Record<string, unknown> = {},
  narrow: (identity: VerifiedIdentity) => Result<string, Denial> = () => ok("granted"),
) {
  return exchangeProviderToken(signedBy(key, claimsOfAlice(changes)), 5, narrow, deps);
}

const endings = () => createSessionEndings(store, createSessionIndex(store, clock.now));

describe("the exchange of a provider's token", () => {
  it("proves the person, asks the policy and answers an access token that proves the same person", async () => {
    const exchanged = await exchange();
    if (!exchanged.ok) throw new Error(exchanged.error.code);
    const { identity, grant, accessToken } = exchanged.value;
    expect(identity).toEqual({
      userId: userIdOf(ISSUER, "alice-1"),
      issuer: ISSUER,
      email: "alice@example.com",
      emailVerified: true,
      emailTrusted: true,
      name: "Alice Archer",
      groups: ["engineering"],
      sid: identity.sid,
      via: "bearer",
      expiresAt: NOW + HOUR,
      asOfEvent: 5,
    });
    expect(grant).toBe("granted");
    expect(accessToken.expiresInSeconds).toBe(300);
    const { keyring } = deps;
    const verified = await verifyAccessToken(accessToken.token, { keyring, sessions, publicUrl, clock }, 5);
    expect(verified).toMatchObject({ ok: true, value: { identity } });
  });

  it("never outlives the provider's token, nor the longest session counted from its issue", async () => {
    const short = await exchange({ exp: NOW / 1000 + 60 });
    expect(short.ok && [short.value.identity.expiresAt, short.value.accessToken.expiresInSeconds]).toEqual([
      NOW + 60_000,
      60,
    ]);
    clock.advance(HOUR);
    const long = await exchange({ exp: NOW / 1000 + 86_400 });
    expect(long.ok && long.value.identity.expiresAt).toBe(NOW + 12 * HOUR);
    clock.advance(11 * HOUR);
    expect(await exchange({ exp: NOW / 1000 + 86_400 })).toEqual({
      ok: false,
      error: { code: "bearer_invalid", fault: "expired" },
    });
  });

  it("is one session for one token, and another for another", async () => {
    const token = signedBy(key, claimsOfAlice());
    const narrow = () => ok("granted");
    const one = await exchangeProviderToken(token, 0, narrow, deps);
    const again = await exchangeProviderToken(token, 0, narrow, deps);
    const other = await exchange({ jti: "another-id-000000" });
    if (!one.ok || !again.ok || !other.ok) throw new Error("refused");
    expect(again.value.identity.sid).toBe(one.value.identity.sid);
    expect(again.value.accessToken.token).not.toBe(one.value.accessToken.token);
    expect(other.value.identity.sid).not.toBe(one.value.identity.sid);
  });

  it("is refused for a token whose session was ended", async () => {
    const token = signedBy(key, claimsOfAlice());
    const first = await exchangeProviderToken(token, 0, () => ok("granted"), deps);
    if (!first.ok) throw new Error(first.error.code);
    await endings().endOne(first.value.identity.sid, "ended_by_admin");
    expect(await exchangeProviderToken(token, 0, () => ok("granted"), deps)).toEqual({
      ok: false,
      error: { code: "session_ended", how: "ended" },
    });
  });

  it("answers the policy's denial and stores nothing then", async () => {
    const denial: Denial = { code: "user_denied", rule: 'users["eve@example.com"].deny' };
    expect(await exchange({}, () => err(denial))).toEqual({ ok: false, error: denial });
    expect(await store.list("bearer-session/")).toEqual([]);
  });

  it("answers why the token or its claims were refused, before the policy is asked", async () => {
    const neverAsked = () => {
      throw new Error("asked");
    };
    expect(await exchange({ aud: "other" }, neverAsked)).toEqual({
      ok: false,
      error: { code: "bearer_invalid", fault: "wrong_audience" },
    });
    expect(await exchange({ groups: undefined }, neverAsked)).toEqual({
      ok: false,
      error: { code: "groups_missing", claim: "groups" },
    });
  });

  it("cannot be done while the store is away", async () => {
    store.fail();
    expect(await exchange()).toEqual({ ok: false, error: { code: "store_unavailable" } });
  });
});
