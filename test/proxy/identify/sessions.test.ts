import { describe, expect, it } from "vitest";
import { newSessionHandle, type SessionHandle, type SessionId, userIdOf } from "../../../core/ids.ts";
import { err, ok } from "../../../core/result.ts";
import type { Store } from "../../../core/store.ts";
import { createSessionEndings, type SessionEndings } from "../../../proxy/identify/session-endings.ts";
import {
  type ConfirmSession,
  createSessions,
  type SessionDetails,
  type Sessions,
} from "../../../proxy/identify/sessions.ts";
import { createSessionIndex } from "../../../token-exchange/session-index.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { NOW } from "../../support/provider-fixture.ts";

const HOUR = 3_600_000;
const RULES = { absoluteMs: 12 * HOUR, idleMs: 8 * HOUR };
/** Use is written down twenty times in the idle time. */
const FIRST_TOUCH = NOW + RULES.idleMs / 20;
const KEY = Buffer.alloc(32, 7);
const ID_TOKEN = "header.claims.signature";
const { sid: _sid, via: _via, expiresAt: _expiresAt, asOfEvent: _asOfEvent, ...LOGIN } = verifiedAlice();

const DETAILS: SessionDetails = {
  tokens: { idToken: ID_TOKEN, refreshToken: "a-refresh-token", refreshAt: null },
  providerSid: "the-providers-own-sid",
  from: { peer: "192.0.2.7", userAgent: "Example/1.0" },
};

type Fixture = {
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  readonly sessions: Sessions;
  readonly endings: SessionEndings;
};

function create(encryptionKey = KEY, around: (store: MemoryStore) => Store = (store) => store): Fixture {
  const clock = createManualClock(NOW);
  const store = createMemoryStore(clock);
  const index = createSessionIndex(store, clock.now);
  return {
    clock,
    store,
    sessions: createSessions({ store: around(store), index, clock, encryptionKey, rules: RULES, confirm }),
    endings: createSessionEndings(store, index),
  };
}

/** What the login does, begun when the clock started. */
async function signIn(
  sessions: Sessions,
  handle: SessionHandle = newSessionHandle(),
  login: typeof LOGIN = LOGIN,
): Promise<SessionId> {
  const sid = await sessions.create(handle, login, DETAILS, NOW);
  if (sid === undefined) throw new Error("the provider has signed nobody out");
  return sid;
}

/** A provider that stands behind everybody. */
const confirm: ConfirmSession = async (_place, record) => ok(record);

async function everythingIn(store: Store): Promise<string> {
  const events = (await store.eventsAfter(0)).map(({ payload }) => payload);
  return JSON.stringify([await store.list(""), events]);
}

async function isOpen(sessions: Sessions, handle: SessionHandle): Promise<boolean> {
  return (await sessions.read(handle, 0)).ok;
}

const MISSING = { ok: false, error: { code: "session_missing" } };
const EXPIRED = { ok: false, error: { code: "session_ended", how: "expired" } };

describe("a session", () => {
  it("says who signed in, under the number of events it was read at", async () => {
    const { sessions } = create();
    const handle = newSessionHandle();
    const sid = await signIn(sessions, handle);
    expect(await sessions.read(handle, 5)).toEqual({
      ok: true,
      value: {
        identity: { ...LOGIN, sid, via: "session", expiresAt: NOW + 12 * HOUR, asOfEvent: 5 },
        freshUntil: FIRST_TOUCH,
      },
    });
  });

  it("may count again until its next use is to be written down", async () => {
    const { sessions, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    clock.advance(FIRST_TOUCH - NOW - 1);
    expect(await sessions.read(handle, 0)).toMatchObject({ value: { freshUntil: FIRST_TOUCH } });
    clock.advance(1);
    expect(await sessions.read(handle, 0)).toMatchObject({
      value: { freshUntil: FIRST_TOUCH + (FIRST_TOUCH - NOW) },
    });
  });

  it("may count again until its tokens are to be refreshed, if that is sooner", async () => {
    const { sessions } = create();
    const handle = newSessionHandle();
    const tokens = { ...DETAILS.tokens, refreshAt: NOW + 5_000 };
    await sessions.create(handle, LOGIN, { ...DETAILS, tokens }, NOW);
    expect(await sessions.read(handle, 0)).toMatchObject({ value: { freshUntil: NOW + 5_000 } });
  });

  it("has a public id of its own at each login", async () => {
    const { sessions } = create();
    const one = await signIn(sessions);
    const other = await signIn(sessions);
    expect(one).not.toBe(other);
  });

  it("is never made under a handle that is in use", async () => {
    const { sessions } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    await expect(signIn(sessions, handle, { ...LOGIN, email: "eve@example.com" })).rejects.toThrow(
      new Error("a new session's handle was already in use"),
    );
    expect(await sessions.read(handle, 0)).toMatchObject({
      value: { identity: { email: "alice@example.com" } },
    });
  });

  it("is not found under another handle", async () => {
    const { sessions } = create();
    await signIn(sessions);
    expect(await sessions.read(newSessionHandle(), 0)).toEqual(MISSING);
  });

  it("shows the store neither the handle nor the token nor the person", async () => {
    const { sessions, endings, store } = create();
    const handle = newSessionHandle();
    const sid = await signIn(sessions, handle);
    await sessions.read(handle, 0);
    const whileOpen = await everythingIn(store);
    await endings.endOne(sid, "signed_out");
    const stored = whileOpen + (await everythingIn(store));
    expect(whileOpen).toContain("session/");
    const { tokens, providerSid, from } = DETAILS;
    const secrets = [handle, ID_TOKEN, tokens.refreshToken, providerSid, from.peer, from.userAgent];
    for (const secret of [...secrets, "alice", "Alice Archer", "engineering"]) {
      expect(stored).not.toContain(secret);
    }
  });

  it("cannot be opened with another encryption key, nor moved to another handle", async () => {
    const { sessions, store, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    const others = createSessions({
      store,
      index: createSessionIndex(store, clock.now),
      clock,
      encryptionKey: Buffer.alloc(32, 8),
      rules: RULES,
      confirm,
    });
    expect(await others.read(handle, 0)).toEqual(MISSING);

    const mine = newSessionHandle();
    await signIn(sessions, mine, { ...LOGIN, email: "eve@example.com" });
    const [one, other] = await store.list("session/");
    if (one === undefined || other === undefined) throw new Error("two sessions are stored");
    await store.commit([
      { kind: "put", key: one.key, value: other.value, expiresAt: null },
      { kind: "put", key: other.key, value: one.value, expiresAt: null },
    ]);
    expect([await sessions.read(handle, 0), await sessions.read(mine, 0)]).toEqual([MISSING, MISSING]);
  });
});

describe("a session's limits", () => {
  it("end it when it was not used for as long as it may be idle", async () => {
    const { sessions, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    clock.advance(8 * HOUR - 1);
    expect(await isOpen(sessions, handle)).toBe(true);
    clock.advance(3.9 * HOUR);
    expect(await isOpen(sessions, handle)).toBe(true);
  });

  it("end it at the idle limit to the millisecond", async () => {
    const { sessions, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    clock.advance(8 * HOUR);
    expect(await sessions.read(handle, 0)).toEqual(EXPIRED);
  });

  it("end it at the absolute limit however much it is used", async () => {
    const { sessions, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    for (let hour = 1; hour < 12; hour += 1) {
      clock.advance(HOUR);
      expect(await isOpen(sessions, handle)).toBe(true);
    }
    clock.advance(HOUR);
    // The store has dropped the entry at the same moment.
    expect(await sessions.read(handle, 0)).toEqual(MISSING);
  });

  it("cost no write on a request that comes soon after another", async () => {
    const { sessions, store, clock } = create();
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    const version = async () => (await store.list("session/")).map((entry) => entry.version);
    clock.advance((8 * HOUR) / 20 - 1);
    await sessions.read(handle, 0);
    expect(await version()).toEqual([1]);
    clock.advance(1);
    await sessions.read(handle, 0);
    expect(await version()).toEqual([2]);
  });
});

describe("ending sessions", () => {
  it("ends one at once, and tells the event log in the same commit", async () => {
    const { sessions, endings, store } = create();
    const handle = newSessionHandle();
    const sid = await signIn(sessions, handle);
    expect(await endings.endOne(sid, "signed_out")).toEqual({ sids: [sid], eventNumber: 1 });
    expect(await sessions.read(handle, 0)).toEqual(MISSING);
    expect(await store.eventsAfter(0)).toEqual([
      {
        number: 1,
        payload: JSON.stringify({ v: 1, kind: "sessions_ended", sids: [sid], reason: "signed_out" }),
      },
    ]);
  });

  it("says nothing of a session that is not there, nor of one that has ended", async () => {
    const { sessions, endings, store } = create();
    const sid = await signIn(sessions);
    await endings.endOne(sid, "signed_out");
    expect(await endings.endOne(sid, "ended_by_admin")).toEqual({ sids: [], eventNumber: null });
    expect(await store.lastEventNumber()).toBe(1);
  });

  it("ends those of one person's sessions that are chosen, in one event, and nobody else's", async () => {
    const { sessions, endings } = create();
    const handles = [newSessionHandle(), newSessionHandle(), newSessionHandle()] as const;
    const [first] = [await signIn(sessions, handles[0])];
    const second = await signIn(sessions, handles[1]);
    await signIn(sessions, handles[2], { ...LOGIN, userId: userIdOf("https://idp.example.com", "bob") });
    expect(await endings.endOf(LOGIN.userId, ({ sid }) => sid !== first, "ended_others")).toEqual({
      sids: [second],
      eventNumber: 1,
    });
    expect(await Promise.all(handles.map((handle) => isOpen(sessions, handle)))).toEqual([true, false, true]);
  });

  it("misses no session that is made just after it has looked", async () => {
    const late = newSessionHandle();
    const { sessions, store, clock } = create();
    await signIn(sessions);
    let afterRead: (() => Promise<unknown>) | undefined = () => signIn(sessions, late);
    const interrupted: Store = {
      ...store,
      async get(key) {
        const entry = await store.get(key);
        const between = afterRead;
        afterRead = undefined;
        await between?.();
        return entry;
      },
    };
    const endings = createSessionEndings(interrupted, createSessionIndex(interrupted, clock.now));
    expect((await endings.endOf(LOGIN.userId, () => true, "ended_by_admin")).sids).toHaveLength(2);
    expect(await sessions.read(late, 0)).toEqual(MISSING);
  });

  it("misses no session that is being made at the same moment", async () => {
    const late = newSessionHandle();
    const { sessions, store, clock } = create();
    await signIn(sessions);
    let beforeCommit: (() => Promise<unknown>) | undefined = () => signIn(sessions, late);
    const interrupted: Store = {
      ...store,
      async commit(writes) {
        const between = beforeCommit;
        beforeCommit = undefined;
        await between?.();
        return store.commit(writes);
      },
    };
    const endings = createSessionEndings(interrupted, createSessionIndex(interrupted, clock.now));
    expect((await endings.endOf(LOGIN.userId, () => true, "ended_by_admin")).sids).toHaveLength(2);
    expect(await sessions.read(late, 0)).toEqual(MISSING);
  });

  it("cannot be undone by a write that was under way, nor by a login under the same handle", async () => {
    const handle = newSessionHandle();
    let beforeCommit = async () => {};
    const { sessions, endings, clock, store } = create(KEY, (memory) => ({
      ...memory,
      async commit(writes) {
        const between = beforeCommit;
        beforeCommit = async () => {};
        await between();
        return memory.commit(writes);
      },
    }));
    const sid = await signIn(sessions, handle);
    clock.advance(HOUR);
    // Read decides to note the use; before that write arrives, the session is ended.
    beforeCommit = async () => void (await endings.endOne(sid, "signed_out"));
    await sessions.read(handle, 0);
    expect(await sessions.read(handle, 0)).toEqual(MISSING);
    await expect(signIn(sessions, handle)).rejects.toThrow("already in use");
    expect(await store.list("session/")).toEqual([]);
  });
});

describe("a session whose provider does not stand behind it", () => {
  it("is refused with what the provider's answer means, and only asked about within its limits", async () => {
    const asked: string[] = [];
    const { store, clock } = create();
    const sessions = createSessions({
      store,
      index: createSessionIndex(store, clock.now),
      clock,
      encryptionKey: KEY,
      rules: RULES,
      async confirm(place, record) {
        asked.push(`${place} ${record.identity.email}`);
        return err({ code: "session_ended", how: "ended" });
      },
    });
    const handle = newSessionHandle();
    await signIn(sessions, handle);
    expect(await sessions.read(handle, 0)).toEqual(err({ code: "session_ended", how: "ended" }));
    clock.advance(8 * HOUR);
    expect(await sessions.read(handle, 0)).toEqual(EXPIRED);
    expect(asked).toEqual([`${sessions.placeOf(handle)} alice@example.com`]);
  });
});
