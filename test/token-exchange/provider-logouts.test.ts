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

const ALICE = userIdOf(ISSUER, "alice-1");
const BOB = userIdOf(ISSUER, "bob-1");
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
    expect([await logouts.seen("jti"), await logouts.remember("jti", NOW + MINUTE)]).toEqual([false, true]);
    expect([await logouts.seen("jti"), await logouts.remember("jti", NOW + MINUTE)]).toEqual([true, false]);
    expect(await logouts.seen("another")).toBe(false);
    clock.advance(MINUTE);
    expect(await logouts.seen("jti")).toBe(false);
  });

  it("of which two copies arrive at once counts for one of them", async () => {
    const { logouts } = create();
    const both = [logouts.remember("jti", NOW + MINUTE), logouts.remember("jti", NOW + MINUTE)];
    expect((await Promise.all(both)).filter(Boolean)).toEqual([true]);
  });
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
    await logouts.mark({ user: ALICE });
    await logouts.mark({ providerSid: "session-1" });
    expect((await logouts.guarding(user, providerSid, begunAt)) !== undefined).toBe(goesOn);
  });

  it("is refused for as long as one may take", async () => {
    const { clock, logouts } = create();
    await logouts.mark({ user: ALICE });
    clock.advance(10 * MINUTE);
    expect(await logouts.guarding(ALICE, null, NOW - 1)).toBeUndefined();
  });

  it.each([
    ["the person", { user: ALICE }],
    ["the provider's session", { providerSid: "session-1" }],
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
    await logouts.mark({ user: ALICE });
    await store.commit((await logouts.guarding(ALICE, "session-1", NOW + 1)) ?? []);
    expect(await logouts.guarding(ALICE, "session-1", NOW)).toBeUndefined();
    expect(await logouts.guarding(BOB, "session-1", NOW)).toBeDefined();
  });
});

it("the store is shown neither the token's nor the session's name", async () => {
  const { store, logouts } = create();
  await logouts.remember("secret-jti", NOW + MINUTE);
  await logouts.mark({ providerSid: "secret-session" });
  expect(JSON.stringify(await store.list(""))).not.toContain("secret");
});
