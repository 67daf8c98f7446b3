import { describe, expect, it } from "vitest";
import { vouchFor } from "../../../core/identity.ts";
import { createLog } from "../../../core/log.ts";
import { refreshLive } from "../../../proxy/identify/refresh-live.ts";
import type { EndReason } from "../../../proxy/live/access-event.ts";
import { createLiveConnections } from "../../../proxy/live/live-connections.ts";
import { NOW } from "../../support/provider-fixture.ts";
import {
  GRACE_MS,
  idToken,
  MINUTE,
  openSession,
  REFRESH_AT,
  REFUSED,
  refreshed,
  settled,
  UNREACHABLE,
} from "./refresh-fixture.ts";

const ROUND_MS = 15_000;

/** Alice with an open chat; the live index follows the store's events as the door does. */
async function openChat() {
  const session = await openSession();
  const { clock, store, index, sessions } = session;
  const ends: { reason: EndReason; event: number | null }[] = [];
  const live = createLiveConnections({
    clock,
    judge: (identity) =>
      identity.groups.includes("engineering")
        ? undefined
        : { code: "access_removed", agent: "coder", at: NOW },
    snapshot: () => 1,
  });
  store.onEvent(({ number, payload }) => live.apply(JSON.parse(payload), number));
  const read = await session.read();
  if (!read.ok) throw new Error("it lives");
  const connect = (identity = read.value) => {
    const connection = live.begin("upgrade");
    connection.bind(identity, (reason, event) => void ends.push({ reason, event }));
    return connection;
  };
  const connection = connect();
  connection.settle({
    target: { kind: "agent", agent: "coder" },
    agents: [],
    gateway: "cloud",
    endpoint: "cloud-1",
    address: "http://127.0.0.1:18789",
    snapshot: 1,
  });
  const stop = refreshLive({ live, index, sessions, clock, log: createLog("test", "silent") });
  return {
    ...session,
    live,
    ends,
    connect,
    connection,
    identity: read.value,
    stop,
    /** Moves the clock a second at a time, and lets everything happen that falls due. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        await settled();
      }
    },
  };
}

describe("a session with an open connection", () => {
  it("is refreshed although nobody asks for a page", async () => {
    const { pass, asked, answer, clock, tokens, ends } = await openChat();
    clock.advance(REFRESH_AT - NOW - ROUND_MS);
    await pass(ROUND_MS - 1_000);
    expect(asked.length).toBe(0);
    await pass(ROUND_MS + 1_000);
    expect(asked.length).toBe(1);
    await answer(refreshed(clock.now()));
    expect((await tokens())?.refreshAt).toBe(clock.now() + 59 * MINUTE);
    expect(ends).toEqual([]);
  });

  it("ends it when the refresh takes the groups away that it lived by, with the event's number", async () => {
    const { pass, answer, clock, ends } = await openChat();
    clock.advance(REFRESH_AT - NOW);
    await pass(ROUND_MS);
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales"] }) }));
    expect(ends).toEqual([{ reason: { code: "access_removed", agent: "coder", at: NOW }, event: 1 }]);
  });

  it("ends it when another e-mail came, so that it comes back anew", async () => {
    const { pass, answer, clock, ends } = await openChat();
    clock.advance(REFRESH_AT - NOW);
    await pass(ROUND_MS);
    await answer(refreshed(clock.now(), { idToken: idToken({ email: "eve@example.com" }) }));
    expect(ends).toEqual([{ reason: { code: "access_changed" }, event: 1 }]);
  });

  it("ends it when the provider refuses", async () => {
    const { pass, answer, clock, ends } = await openChat();
    clock.advance(REFRESH_AT - NOW);
    await pass(ROUND_MS);
    await answer(REFUSED);
    expect(ends).toEqual([{ reason: { code: "provider_refused" }, event: 1 }]);
  });

  it("keeps it while the provider is silent for the grace, and not longer", async () => {
    const { pass, asked, answer, clock, ends, sid, index } = await openChat();
    clock.advance(REFRESH_AT - NOW);
    const graceEnds = REFRESH_AT + MINUTE + GRACE_MS;
    let answered = 0;
    while (clock.now() < graceEnds + ROUND_MS) {
      await pass(1_000);
      for (; answered < asked.length; answered += 1) await answer(UNREACHABLE);
      if (clock.now() < graceEnds) expect(ends).toEqual([]);
    }
    expect(ends).toEqual([{ reason: { code: "provider_silent" }, event: null }]);
    // It waits; it is not signed out.
    expect((await index.find(sid))?.sid).toBe(sid);
  });

  it("is in use: it does not become idle", async () => {
    const { pass, clock, groups, ends, asked, answer } = await openChat();
    for (let hour = 1; hour <= 9; hour += 1) {
      clock.advance(60 * MINUTE);
      await pass(ROUND_MS);
      if (asked.length > 0) await answer(refreshed(clock.now()));
    }
    expect([await groups(), ends]).toEqual([["engineering"], []]);
  });

  it("does not count as used once the connection is gone", async () => {
    const { pass, clock, read, connection, record } = await openChat();
    connection.remove();
    clock.advance(60 * MINUTE);
    await pass(ROUND_MS);
    expect((await record())?.usedAt).toBe(NOW);
    clock.advance(7 * 60 * MINUTE);
    expect(await read()).toEqual({ ok: false, error: { code: "session_ended", how: "expired" } });
  });

  it("ends it when its record is gone, whoever removed it", async () => {
    const { pass, place, store, ends } = await openChat();
    await store.commit([{ kind: "delete", key: place }]);
    await pass(ROUND_MS);
    expect(ends).toEqual([{ reason: { code: "session_expired" }, event: null }]);
  });

  it("is left alone while the store does not answer", async () => {
    const { pass, store, ends } = await openChat();
    store.fail();
    await pass(2 * ROUND_MS);
    expect(ends).toEqual([]);
  });
});

it("looks at each session once in a round, however many connections it has, and at no bearer", async () => {
  const { pass, connect, identity, store, stop } = await openChat();
  connect();
  connect();
  connect(vouchFor({ ...identity, via: "bearer" }));
  const { get } = store;
  const asked: string[] = [];
  store.get = (key) => {
    asked.push(key.split("/")[0] ?? "");
    return get(key);
  };
  await pass(2 * ROUND_MS);
  expect(asked).toEqual(["sid", "session", "sid", "session"]);
  stop();
  await pass(ROUND_MS);
  expect(asked.length).toBe(4);
});

describe("an upgrade that is under way when a refresh changes what decides access", () => {
  it.each([
    ["groups", { groups: ["sales"] }],
    ["e-mail", { email: "eve@example.com" }],
  ])("is refused when its identity was read before: %s", async (_what, changes) => {
    const { live, identity, pass, clock, answer } = await openChat();
    const upgrade = live.begin("upgrade");
    clock.advance(REFRESH_AT - NOW);
    await pass(ROUND_MS);
    await answer(refreshed(clock.now(), { idToken: idToken(changes) }));
    expect(upgrade.bind(identity, () => {})).toEqual({ code: "access_changed" });
  });

  it("is decided with the new groups when it was bound before", async () => {
    const { live, identity, pass, clock, answer } = await openChat();
    const upgrade = live.begin("upgrade");
    upgrade.bind(identity, () => {});
    clock.advance(REFRESH_AT - NOW);
    await pass(ROUND_MS);
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales"] }) }));
    const decided = {
      target: { kind: "agent", agent: "coder" },
      agents: [],
      gateway: "cloud",
      endpoint: "cloud-1",
      address: "http://127.0.0.1:18789",
      snapshot: 1,
    } as const;
    expect(upgrade.settle(decided)).toEqual({ code: "access_removed", agent: "coder", at: NOW });
  });
});
