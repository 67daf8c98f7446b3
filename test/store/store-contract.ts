// What every adapter of the store port must do. Not a test file itself: an adapter's test calls `describeStore`.
import { describe, expect, it } from "vitest";
import type { Store, StoreEvent, StoreWrite } from "../../core/store.ts";
import { StoreGap, StoreUnavailable } from "../../core/store.ts";

export type StoreUnderTest = {
  readonly store: Store;
  /** The adapter's wall clock. */
  now(): number;
  advance(ms: number): void;
  /** Closes the store and opens it again, as a restart does. */
  reopen(): Promise<Store>;
};

/** How many events the adapter must be told to keep. */
export const KEPT_EVENTS = 5;

/** @param open an empty store for each test, which cleans up after itself */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: entries`, () => {
    it("answers undefined for a key never written", async () => {
      const { store } = await open();
      expect(await store.get("a")).toBeUndefined();
      expect(await store.list("")).toEqual([]);
    });

    it("answers what was put, with version 1 and its expiry", async () => {
      const { store, now } = await open();
      const expiresAt = now() + 1_000;
      expect(await store.commit([put("a", "one", { expiresAt })])).toEqual({
        ok: true,
        value: { versions: [1], eventNumber: 0 },
      });
      expect(await store.get("a")).toEqual({ value: "one", version: 1, expiresAt });
    });

    it("lets the version grow with every write", async () => {
      const { store } = await open();
      await store.commit([put("a", "one")]);
      await store.commit([put("a", "two")]);
      expect(await store.commit([put("a", "three")])).toEqual({
        ok: true,
        value: { versions: [3], eventNumber: 0 },
      });
      expect(await store.get("a")).toEqual({ value: "three", version: 3, expiresAt: null });
    });

    it("counts a deletion as a write", async () => {
      const { store } = await open();
      await store.commit([put("a", "one")]);
      expect(await store.commit([{ kind: "delete", key: "a" }])).toEqual({
        ok: true,
        value: { versions: [2], eventNumber: 0 },
      });
      expect(await store.get("a")).toBeUndefined();
    });

    it("counts from 1 again after a deletion without tombstone", async () => {
      const { store } = await open();
      await store.commit([put("a", "one")]);
      await store.commit([{ kind: "delete", key: "a" }]);
      expect(await store.commit([put("a", "two", { ifVersion: 0 })])).toEqual({
        ok: true,
        value: { versions: [1], eventNumber: 0 },
      });
    });

    it.each([
      "",
      "__proto__",
      "constructor",
      "a\nb\u0000c",
      "päßwörd 🗝",
      "lone \ud800 surrogate",
      "\udfff",
      "\u2028",
    ])("keeps %j as key and as value, over a restart too", async (text) => {
      const { store, reopen } = await open();
      await store.commit([put(text, text), { kind: "event", payload: text }]);
      const entry = { value: text, version: 1, expiresAt: null };
      expect(await store.get(text)).toEqual(entry);
      const again = await reopen();
      expect(await again.get(text)).toEqual(entry);
      expect(await again.list("")).toEqual([{ key: text, ...entry }]);
      expect(await again.eventsAfter(0)).toEqual([{ number: 1, payload: text }]);
    });

    it("answers the same after a restart", async () => {
      const { store, now, reopen } = await open();
      await store.commit([put("a", "one"), put("b", "two", { expiresAt: now() + 1_000 })]);
      await store.commit([put("a", "three"), { kind: "delete", key: "b" }, put("c", "four")]);
      const again = await reopen();
      expect(await again.list("")).toEqual([
        { key: "a", value: "three", version: 2, expiresAt: null },
        { key: "c", value: "four", version: 1, expiresAt: null },
      ]);
    });
  });

  describe(`${name}: list`, () => {
    it("answers only keys with the prefix, in order of UTF-16 code units", async () => {
      const { store } = await open();
      const keys = ["s:b", "s:", "s:a", "s:B", "s:\uffff", "s:\u{1f600}", "s", "t:a", "as:a"];
      await store.commit(keys.map((key) => put(key, "x")));
      expect((await store.list("s:")).map(({ key }) => key)).toEqual([
        "s:",
        "s:B",
        "s:a",
        "s:b",
        "s:\u{1f600}",
        "s:\uffff",
      ]);
    });

    it("leaves out what was deleted, has a tombstone or has expired", async () => {
      const { store, now, advance } = await open();
      await store.commit([
        put("a", "x"),
        put("b", "x"),
        put("c", "x", { expiresAt: now() + 10 }),
        put("d", "x"),
      ]);
      await store.commit([
        { kind: "delete", key: "a" },
        { kind: "delete", key: "b", tombstoneUntil: now() + 1_000 },
      ]);
      advance(10);
      expect(await store.list("")).toEqual([{ key: "d", value: "x", version: 1, expiresAt: null }]);
    });
  });

  describe(`${name}: ifVersion`, () => {
    it("writes when the version is the one given", async () => {
      const { store } = await open();
      await store.commit([put("a", "one", { ifVersion: 0 })]);
      await store.commit([put("a", "two", { ifVersion: 1 })]);
      expect(await store.get("a")).toEqual({ value: "two", version: 2, expiresAt: null });
    });

    it.each([0, 1, 3])("refuses to put over version 2 with ifVersion %i", async (ifVersion) => {
      const { store } = await open();
      await store.commit([put("a", "one")]);
      await store.commit([put("a", "two")]);
      expect(await store.commit([put("a", "late", { ifVersion })])).toEqual(conflict("a", 2));
      expect(await store.get("a")).toEqual({ value: "two", version: 2, expiresAt: null });
    });

    it("refuses to put on an absent key with any version but 0", async () => {
      const { store } = await open();
      expect(await store.commit([put("a", "late", { ifVersion: 1 })])).toEqual(conflict("a", 0));
      expect(await store.get("a")).toBeUndefined();
    });

    it("holds for deletions too", async () => {
      const { store } = await open();
      await store.commit([put("a", "one")]);
      expect(await store.commit([{ kind: "delete", key: "a", ifVersion: 2 }])).toEqual(conflict("a", 1));
      expect(await store.commit([{ kind: "delete", key: "a", ifVersion: 1 }])).toEqual({
        ok: true,
        value: { versions: [2], eventNumber: 0 },
      });
    });

    it("lets exactly one of many concurrent writers win", async () => {
      const { store } = await open();
      await store.commit([put("a", "start")]);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, writer) => store.commit([put("a", `${writer}`, { ifVersion: 1 })])),
      );
      expect(answers.filter(({ ok }) => ok)).toEqual([
        { ok: true, value: { versions: [2], eventNumber: 0 } },
      ]);
      expect(answers.filter(({ ok }) => !ok)).toEqual(Array.from({ length: 19 }, () => conflict("a", 2)));
    });

    it("lets the loser of a race read the winner's write at once", async () => {
      const { store } = await open();
      const winner = store.commit([put("a", "winner", { ifVersion: 0 })]);
      expect(await store.commit([put("a", "loser", { ifVersion: 0 })])).toEqual(conflict("a", 1));
      expect(await store.get("a")).toEqual({ value: "winner", version: 1, expiresAt: null });
      await winner;
    });
  });

  describe(`${name}: a commit`, () => {
    it("writes nothing at all when one write conflicts, and names the first such key", async () => {
      const { store } = await open();
      await store.commit([put("b", "one")]);
      const writes: StoreWrite[] = [
        put("a", "new"),
        { kind: "event", payload: "lost" },
        put("b", "late", { ifVersion: 0 }),
        put("c", "late", { ifVersion: 7 }),
      ];
      expect(await store.commit(writes)).toEqual(conflict("b", 1));
      expect(await store.list("")).toEqual([{ key: "b", value: "one", version: 1, expiresAt: null }]);
      expect(await store.lastEventNumber()).toBe(0);
    });

    it("shows each write those before it in the same commit", async () => {
      const { store } = await open();
      const writes: StoreWrite[] = [
        put("a", "one", { ifVersion: 0 }),
        put("a", "two", { ifVersion: 1 }),
        { kind: "delete", key: "a", ifVersion: 2 },
        put("a", "three", { ifVersion: 0 }),
      ];
      expect(await store.commit(writes)).toEqual({
        ok: true,
        value: { versions: [1, 2, 3, 1], eventNumber: 0 },
      });
      expect(await store.get("a")).toEqual({ value: "three", version: 1, expiresAt: null });
    });

    it("answers versions in the order of the writes, events left out", async () => {
      const { store } = await open();
      await store.commit([put("b", "one")]);
      expect(
        await store.commit([
          put("a", "x"),
          { kind: "event", payload: "e1" },
          put("b", "x"),
          { kind: "event", payload: "e2" },
        ]),
      ).toEqual({ ok: true, value: { versions: [1, 2], eventNumber: 2 } });
    });

    it("of nothing succeeds and answers the newest event's number", async () => {
      const { store } = await open();
      await store.commit([{ kind: "event", payload: "e1" }]);
      expect(await store.commit([])).toEqual({ ok: true, value: { versions: [], eventNumber: 1 } });
    });

    it("applies concurrent commits in the order of the calls", async () => {
      const { store } = await open();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          store.commit([put("a", `${n}`), { kind: "event", payload: `${n}` }]),
        ),
      );
      expect(answers).toEqual(
        Array.from({ length: 50 }, (_, n) => ({
          ok: true,
          value: { versions: [n + 1], eventNumber: n + 1 },
        })),
      );
      expect(await store.get("a")).toEqual({ value: "49", version: 50, expiresAt: null });
    });

    it.each([
      ["expiresAt NaN", put("a", "x", { expiresAt: Number.NaN })],
      ["expiresAt Infinity", put("a", "x", { expiresAt: Number.POSITIVE_INFINITY })],
      ["ifVersion -1", put("a", "x", { ifVersion: -1 })],
      ["ifVersion 1.5", put("a", "x", { ifVersion: 1.5 })],
      ["tombstoneUntil NaN", { kind: "delete", key: "a", tombstoneUntil: Number.NaN } as const],
    ])("throws a TypeError for %s and writes nothing", async (_, write) => {
      const { store } = await open();
      await expect(store.commit([put("b", "x"), write])).rejects.toThrow(TypeError);
      expect(await store.list("")).toEqual([]);
    });
  });

  describe(`${name}: expiry`, () => {
    it("answers an entry until its expiry, and absent from that millisecond on", async () => {
      const { store, now, advance } = await open();
      const expiresAt = now() + 1_000;
      await store.commit([put("a", "one", { expiresAt })]);
      advance(999);
      expect(await store.get("a")).toEqual({ value: "one", version: 1, expiresAt });
      advance(1);
      expect(await store.get("a")).toBeUndefined();
    });

    it("treats an expired key as one never written", async () => {
      const { store, now, advance } = await open();
      await store.commit([put("a", "one", { expiresAt: now() + 10 })]);
      advance(10);
      expect(await store.commit([put("a", "late", { ifVersion: 1 })])).toEqual(conflict("a", 0));
      expect(await store.commit([put("a", "two", { ifVersion: 0 })])).toEqual({
        ok: true,
        value: { versions: [1], eventNumber: 0 },
      });
    });

    it("does not bring an expired entry back with a restart", async () => {
      const { store, now, advance, reopen } = await open();
      await store.commit([put("a", "one", { expiresAt: now() + 10 })]);
      advance(10);
      const again = await reopen();
      expect(await again.get("a")).toBeUndefined();
    });

    it("lets a later put change the expiry", async () => {
      const { store, now, advance } = await open();
      await store.commit([put("a", "one", { expiresAt: now() + 10 })]);
      await store.commit([put("a", "two", { expiresAt: null })]);
      advance(10);
      expect(await store.get("a")).toEqual({ value: "two", version: 2, expiresAt: null });
    });
  });

  describe(`${name}: tombstones`, () => {
    it.each([0, 1, 2, 3])("refuses put with ifVersion %i while one stands", async (ifVersion) => {
      const { store, now, advance, reopen } = await open();
      await store.commit([put("a", "session")]);
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000 }]);
      expect(await store.commit([put("a", "late", { ifVersion })])).toEqual(conflict("a", 2));
      const again = await reopen();
      advance(999);
      expect(await again.commit([put("a", "late", { ifVersion })])).toEqual(conflict("a", 2));
      expect(await again.get("a")).toBeUndefined();
    });

    it("frees the key when it lapses", async () => {
      const { store, now, advance } = await open();
      await store.commit([put("a", "session")]);
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000 }]);
      advance(1_000);
      expect(await store.commit([put("a", "new", { ifVersion: 0 })])).toEqual({
        ok: true,
        value: { versions: [1], eventNumber: 0 },
      });
    });

    it("can be set on a key that has no entry", async () => {
      const { store, now } = await open();
      expect(await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000 }])).toEqual({
        ok: true,
        value: { versions: [1], eventNumber: 0 },
      });
      expect(await store.commit([put("a", "late", { ifVersion: 0 })])).toEqual(conflict("a", 1));
    });

    it("gives way to put without ifVersion, whose version goes on from it", async () => {
      const { store, now } = await open();
      await store.commit([put("a", "one")]);
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000 }]);
      expect(await store.commit([put("a", "forced")])).toEqual({
        ok: true,
        value: { versions: [3], eventNumber: 0 },
      });
      expect(await store.commit([put("a", "next", { ifVersion: 3 })])).toMatchObject({ ok: true });
    });

    it("is not shortened by deleting again", async () => {
      const { store, now, advance } = await open();
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000 }]);
      await store.commit([{ kind: "delete", key: "a" }]);
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 10 }]);
      advance(999);
      expect(await store.commit([put("a", "late", { ifVersion: 0 })])).toEqual(conflict("a", 3));
    });

    it("is lengthened by deleting again for longer", async () => {
      const { store, now, advance } = await open();
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 10 }]);
      await store.commit([{ kind: "delete", key: "a", tombstoneUntil: now() + 1_000, ifVersion: 1 }]);
      advance(999);
      expect(await store.commit([put("a", "late", { ifVersion: 0 })])).toEqual(conflict("a", 2));
    });
  });

  describe(`${name}: events`, () => {
    it("numbers them from 1, over restarts", async () => {
      const { store, reopen } = await open();
      expect(await store.lastEventNumber()).toBe(0);
      expect(await store.eventsAfter(0)).toEqual([]);
      await store.commit([event("e1"), event("e2")]);
      const again = await reopen();
      expect(await again.lastEventNumber()).toBe(2);
      await again.commit([event("e3")]);
      expect(await again.eventsAfter(1)).toEqual([
        { number: 2, payload: "e2" },
        { number: 3, payload: "e3" },
      ]);
      expect(await again.eventsAfter(3)).toEqual([]);
    });

    it("keeps the newest and throws StoreGap for a reader who has missed others", async () => {
      const { store, reopen } = await open();
      for (let n = 1; n <= KEPT_EVENTS + 3; n += 1) await store.commit([event(`e${n}`)]);
      await expectKept(store);
      await expectKept(await reopen());

      async function expectKept(current: Store) {
        expect((await current.eventsAfter(3)).map(({ payload }) => payload)).toEqual([
          "e4",
          "e5",
          "e6",
          "e7",
          "e8",
        ]);
        await expect(current.eventsAfter(2)).rejects.toEqual(new StoreGap(2, 4));
        await expect(current.eventsAfter(0)).rejects.toThrow(StoreGap);
      }
    });

    it("tells listeners each one in order, before its commit is answered", async () => {
      const { store } = await open();
      const heard: (StoreEvent | string)[] = [];
      store.onEvent((heardEvent) => heard.push(heardEvent));
      await Promise.all([
        store.commit([event("e1"), event("e2")]).then(() => heard.push("answered 1")),
        store.commit([event("e3")]).then(() => heard.push("answered 2")),
      ]);
      expect(heard.filter((item) => typeof item !== "string")).toEqual([
        { number: 1, payload: "e1" },
        { number: 2, payload: "e2" },
        { number: 3, payload: "e3" },
      ]);
      expect(heard.indexOf("answered 1")).toBeGreaterThan(1);
      expect(heard.indexOf("answered 2")).toBeGreaterThan(2);
    });

    it("shows a listener the commit that its event belongs to", async () => {
      const { store } = await open();
      const seen: Promise<unknown>[] = [];
      store.onEvent(() => seen.push(store.get("a")));
      await store.commit([event("e1"), put("a", "one")]);
      expect(await Promise.all(seen)).toEqual([{ value: "one", version: 1, expiresAt: null }]);
    });

    it("tells nothing of events before listening, nor after it stopped", async () => {
      const { store } = await open();
      await store.commit([event("before")]);
      const heard: string[] = [];
      const stop = store.onEvent(({ payload }) => heard.push(payload));
      await store.commit([event("during")]);
      stop();
      await store.commit([event("after")]);
      expect(heard).toEqual(["during"]);
    });

    it("tells the others when one listener throws", async () => {
      const { store } = await open();
      const heard: string[] = [];
      store.onEvent(() => {
        throw new Error("broken listener");
      });
      store.onEvent(({ payload }) => heard.push(payload));
      expect(await store.commit([event("e1")])).toEqual({
        ok: true,
        value: { versions: [], eventNumber: 1 },
      });
      expect(heard).toEqual(["e1"]);
    });

    it("lets a listener commit", async () => {
      const { store } = await open();
      const answers: Promise<unknown>[] = [];
      store.onEvent(({ payload }) => {
        if (payload === "e1") answers.push(store.commit([put("a", "by listener"), event("e2")]));
      });
      await store.commit([event("e1")]);
      expect(await Promise.all(answers)).toEqual([{ ok: true, value: { versions: [1], eventNumber: 2 } }]);
    });
  });

  describe(`${name}: close`, () => {
    it("finishes the commits that were called before it", async () => {
      const { store, reopen } = await open();
      const commits = [store.commit([put("a", "one")]), store.commit([put("b", "two")])];
      const again = await reopen();
      expect(await Promise.all(commits)).toMatchObject([{ ok: true }, { ok: true }]);
      expect((await again.list("")).map(({ key }) => key)).toEqual(["a", "b"]);
    });

    it("makes everything unavailable, and may be called twice", async () => {
      const { store } = await open();
      await store.close();
      await store.close();
      await expect(store.get("a")).rejects.toThrow(StoreUnavailable);
      await expect(store.list("")).rejects.toThrow(StoreUnavailable);
      await expect(store.commit([put("a", "one")])).rejects.toThrow(StoreUnavailable);
      await expect(store.lastEventNumber()).rejects.toThrow(StoreUnavailable);
      await expect(store.eventsAfter(0)).rejects.toThrow(StoreUnavailable);
      expect(() => store.onEvent(() => undefined)).toThrow(StoreUnavailable);
    });
  });
}

function put(
  key: string,
  value: string,
  how: { readonly ifVersion?: number; readonly expiresAt?: number | null } = {},
): StoreWrite {
  const { expiresAt = null, ...condition } = how;
  return { kind: "put", key, value, expiresAt, ...condition };
}

function event(payload: string): StoreWrite {
  return { kind: "event", payload };
}

function conflict(key: string, version: number) {
  return { ok: false, error: { kind: "conflict", key, version } };
}
