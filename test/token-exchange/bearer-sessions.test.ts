import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { createSessionEndings } from "../../proxy/identify/session-endings.ts";
import { type BearerSessions, createBearerSessions } from "../../token-exchange/bearer-sessions.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { claimsOfAlice, createEcKey, NOW, signedBy } from "../support/provider-fixture.ts";

const encryptionKey = randomBytes(32);
const alice = verifiedAlice({ via: "bearer" });
const ENDED = { ok: false, error: { code: "session_ended", how: "ended" } };
let clock: ManualClock;
let store: MemoryStore;
let sessions: BearerSessions;

beforeEach(() => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
  sessions = createBearerSessions({
    store,
    index: createSessionIndex(store, clock.now),
    now: clock.now,
    encryptionKey,
  });
});

const endings = () => createSessionEndings(store, createSessionIndex(store, clock.now));

describe("a bearer session", () => {
  it("is read as it was opened, as of the event that the reader names", async () => {
    expect(await sessions.open(alice)).toEqual({ ok: true, value: undefined });
    expect(await sessions.read(alice.sid, 7)).toEqual({ ok: true, value: { ...alice, asOfEvent: 7 } });
  });

  it("takes what the newest exchange proved", async () => {
    await sessions.open(alice);
    const changed = verifiedAlice({ via: "bearer", groups: ["finance"] });
    expect(await sessions.open(changed)).toEqual({ ok: true, value: undefined });
    expect(await sessions.read(alice.sid, 0)).toEqual({ ok: true, value: changed });
  });

  it("is unreadable in the store", async () => {
    await sessions.open(alice);
    const stored = (await store.list("")).map((entry) => entry.value).join();
    expect(stored).not.toContain("alice");
    expect(stored).not.toContain("engineering");
  });

  it("holds a person of 2000 groups", async () => {
    const groups = Array.from({ length: 2_000 }, (_, index) => `group-with-a-long-name-${index}`);
    const many = verifiedAlice({ via: "bearer", groups });
    await sessions.open(many);
    expect(await sessions.read(alice.sid, 0)).toEqual({ ok: true, value: many });
  });

  it("is gone when it was never opened, has expired, or was moved to another name in the store", async () => {
    expect(await sessions.read(alice.sid, 0)).toEqual(ENDED);
    await sessions.open(alice);
    const [entry] = await store.list("bearer-session/");
    const moved = verifiedAlice({ sid: sessions.sidOf("a.b.c") });
    const key = `bearer-session/${moved.sid}`;
    await store.commit([{ kind: "put", key, value: entry?.value ?? "", expiresAt: null }]);
    expect(await sessions.read(moved.sid, 0)).toEqual(ENDED);
    clock.advance(3_600_000);
    expect(await sessions.read(alice.sid, 0)).toEqual(ENDED);
  });

  it("once ended, stays ended: the same token opens no other", async () => {
    await sessions.open(alice);
    await endings().endOne(alice.sid, "ended_by_admin");
    expect(await sessions.read(alice.sid, 0)).toEqual(ENDED);
    expect(await sessions.open(alice)).toEqual(ENDED);
    expect(await sessions.read(alice.sid, 0)).toEqual(ENDED);
  });

  it("may be opened by two requests at once", async () => {
    const opened = await Promise.all([sessions.open(alice), sessions.open(alice)]);
    expect(opened).toEqual([
      { ok: true, value: undefined },
      { ok: true, value: undefined },
    ]);
  });

  it("is neither absent nor ended when the store is away", async () => {
    store.fail();
    const unavailable = { ok: false, error: { code: "store_unavailable" } };
    expect(await sessions.read(alice.sid, 0)).toEqual(unavailable);
    expect(await sessions.open(alice)).toEqual(unavailable);
  });
});

describe("the session id of a provider token", () => {
  it("is the same each time, another for another token, and unknown without the key", () => {
    const key = createEcKey("k1");
    const token = signedBy(key, claimsOfAlice());
    const other = signedBy(key, claimsOfAlice({ jti: "another-id-000000" }));
    const elsewhere = createBearerSessions({
      store,
      index: createSessionIndex(store, clock.now),
      now: clock.now,
      encryptionKey: randomBytes(32),
    });
    expect(sessions.sidOf(token)).toMatch(/^s_[A-Za-z0-9_-]{22}$/);
    expect(sessions.sidOf(token)).toBe(sessions.sidOf(token));
    expect(sessions.sidOf(other)).not.toBe(sessions.sidOf(token));
    expect(elsewhere.sidOf(token)).not.toBe(sessions.sidOf(token));
  });

  it("does not change with another spelling of the signature", () => {
    const token = signedBy(createEcKey("k1"), claimsOfAlice());
    const lastCharacter = token.endsWith("A") ? "B" : "A";
    expect(sessions.sidOf(`${token.slice(0, -1)}${lastCharacter}`)).toBe(sessions.sidOf(token));
  });
});
