import { describe, expect, it } from "vitest";
import { newSessionHandle, userIdOf } from "../../core/ids.ts";
import { ok } from "../../core/result.ts";
import { createSessions } from "../../proxy/identify/sessions.ts";
import { createProviderLogouts } from "../../token-exchange/provider-logouts.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createMemoryStore } from "../support/memory-store.ts";
import { ISSUER, NOW } from "../support/provider-fixture.ts";

const ALICE = { userId: userIdOf(ISSUER, "alice-1"), issuer: ISSUER };
const BOB = { userId: userIdOf(ISSUER, "bob-1"), issuer: ISSUER };
const MINUTE = 60_000;
const { sid: _sid, via: _via, expiresAt: _expiresAt, asOfEvent: _asOfEvent, ...LOGIN } = verifiedAlice();

function create() {
  const clock = createManualClock(NOW);
  const store = createMemoryStore(clock);
  return { clock, store, logouts: createProviderLogouts(store, clock) };
}

describe("a logout token", () => {
  it("counts once, until it would be refused anyway", async () => {
    const { clock, logouts } = create();
    expect([await logouts.seen(ISSUER, "jti"), await logouts.remember(ISSUER, "jti", NOW + MINUTE)]).toEqual([
      false,
      true,
    ]);
    expect([await logouts.seen(ISSUER, "jti"), await logouts.remember(ISSUER, "jti", NOW + MINUTE)]).toEqual([
      true,
      false,
    ]);
    expect(await logouts.seen(ISSUER, "another")).toBe(false);
    clock.advance(MINUTE);
    expect(await logouts.seen(ISSUER, "jti")).toBe(false);
  });

  it("of which two copies arrive at once counts for one of them", async () => {
    const { logouts } = create();
    const both = [
      logouts.remember(ISSUER, "jti", NOW + MINUTE),
      logouts.remember(ISSUER, "jti", NOW + MINUTE),
    ];
    expect((await Promise.all(both)).filter(Boolean)).toEqual([true]);
  });
});

it("what one provider calls a token or a session is not another's", async () => {
  const { logouts } = create();
  const other = "https://other.example";
  await logouts.remember(ISSUER, "jti", NOW + MINUTE);
  await logouts.mark({ issuer: ISSUER, providerSid: "session-1" });
  expect([await logouts.seen(other, "jti"), await logouts.remember(other, "jti", NOW + MINUTE)]).toEqual([
    false,
    true,
  ]);
  const login = { userId: userIdOf(other, "alice-1"), issuer: other };
  expect(await logouts.guarding(login, "session-1", NOW - 1)).toBeDefined();
});

describe("a login", () => {
  it.each([
    ["begun before its person was signed out", ALICE, null, NOW - 1, false],
    ["begun in the same instant", ALICE, null, NOW, false],
    ["begun afterwards", ALICE, null, NOW + 1, true],
    ["of somebody else", BOB, null, NOW - 1, true],
    ["by the provider's session that was signed out", BOB, "session-1", NOW - 1, false],
    ["by another session of the provider", BOB, "session-2", NOW - 1, true],
  ])("%s: %s", async (_what, user, providerSid, begunAt, goesOn) => {
    const { logouts } = create();
    await logouts.mark({ user: ALICE.userId });
    await logouts.mark({ issuer: ISSUER, providerSid: "session-1" });
    expect((await logouts.guarding(user, providerSid, begunAt)) !== undefined).toBe(goesOn);
  });

  it("is refused for as long as one may take", async () => {
    const { clock, logouts } = create();
    await logouts.mark({ user: ALICE.userId });
    clock.advance(10 * MINUTE);
    expect(await logouts.guarding(ALICE, null, NOW - 1)).toBeUndefined();
  });

  it.each([
    ["the person", { user: ALICE.userId }],
    ["the provider's session", { issuer: ISSUER, providerSid: "session-1" }],
  ])("loses to a sign-out of %s that comes between its look and its write", async (_what, who) => {
    const { clock, store, logouts } = create();
    const { commit } = store;
    let signedOut = false;
    store.commit = async (writes) => {
      store.commit = commit;
      signedOut = true;
      await logouts.mark(who);
      return commit(writes);
    };
    const sessions = createSessions({
      store,
      index: createSessionIndex(store, clock.now),
      clock,
      encryptionKey: Buffer.alloc(32, 7),
      rules: { absoluteMs: 60 * MINUTE, idleMs: 60 * MINUTE },
      confirm: async (_place, record) => ok(record),
    });
    const details = {
      tokens: { idToken: "i", refreshToken: null, refreshAt: null },
      providerSid: "session-1",
      from: { peer: "192.0.2.7", userAgent: null },
    };
    const begunAt = NOW - MINUTE;
    expect(await sessions.create(newSessionHandle(), LOGIN, details, begunAt)).toBeUndefined();
    expect([signedOut, await store.list("session/")]).toEqual([true, []]);
    clock.advance(1);
    expect(await sessions.create(newSessionHandle(), LOGIN, details, clock.now())).toMatch(/^s_/);
  });

  it("finds the marks as they were, whoever else signs in", async () => {
    const { store, logouts } = create();
    await logouts.mark({ user: ALICE.userId });
    await store.commit((await logouts.guarding(ALICE, "session-1", NOW + 1)) ?? []);
    expect(await logouts.guarding(ALICE, "session-1", NOW)).toBeUndefined();
    expect(await logouts.guarding(BOB, "session-1", NOW)).toBeDefined();
  });
});

it("the store is shown neither the token's nor the session's name", async () => {
  const { store, logouts } = create();
  await logouts.remember(ISSUER, "secret-jti", NOW + MINUTE);
  await logouts.mark({ issuer: ISSUER, providerSid: "secret-session" });
  expect(JSON.stringify(await store.list(""))).not.toContain("secret");
});
