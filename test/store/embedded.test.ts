import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StoreUnavailable, type StoreWrite } from "../../core/store.ts";
import { type Disk, nodeDisk } from "../../store/embedded/disk.ts";
import { embeddedFixture } from "./embedded-fixture.ts";
import { describeStore, KEPT_EVENTS } from "./store-contract.ts";

describeStore("embedded store", async () => {
  const { open, clock } = await embeddedFixture();
  const store = await open({ keepEvents: KEPT_EVENTS });
  return {
    store,
    now: clock.now,
    advance: clock.advance,
    async reopen() {
      await store.close();
      return open({ keepEvents: KEPT_EVENTS });
    },
  };
});

describe("the embedded store's folder", () => {
  it("is created 0700, its log 0600, and holds nothing else after close", async () => {
    const { folder, clock, open } = await embeddedFixture();
    const inside = join(folder, "data", "store");
    const store = await open({ folder: inside, clock });
    await store.commit([put("a", "one")]);
    expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
    expect((await stat(inside)).mode & 0o777).toBe(0o700);
    expect((await stat(join(inside, "store.log"))).mode & 0o777).toBe(0o600);
    await store.close();
    expect(await readdir(inside)).toEqual(["store.log"]);
  });

  it("is free again when opening failed", async () => {
    const { open } = await embeddedFixture();
    await expect(open({ disk: failingDisk("syncFolder").disk })).rejects.toThrow("syncFolder failed");
    const store = await open();
    expect(await store.list("")).toEqual([]);
  });

  it("is not touched when the options make no sense", async () => {
    const { folder, open } = await embeddedFixture();
    await expect(open({ keepEvents: 0 })).rejects.toThrow(
      new TypeError("keepEvents must be a whole number from 1, not 0"),
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("durability of the embedded store", () => {
  it("shows readers nothing of a commit, and listeners neither, before it is synced", async () => {
    const { open } = await embeddedFixture();
    const { disk, hold } = holdingDisk();
    const store = await open({ disk });
    const heard: string[] = [];
    store.onEvent(({ payload }) => heard.push(payload));
    await store.commit([put("a", "old")]);
    const held = hold();
    let answered = false;
    const commit = store.commit([put("a", "new"), { kind: "event", payload: "e1" }]).then((answer) => {
      answered = true;
      return answer;
    });
    await held.reached;
    expect(await store.get("a")).toEqual({ value: "old", version: 1, expiresAt: null });
    expect(await store.list("")).toEqual([{ key: "a", value: "old", version: 1, expiresAt: null }]);
    expect(await store.lastEventNumber()).toBe(0);
    expect({ answered, heard }).toEqual({ answered: false, heard: [] });
    held.release();
    expect(await commit).toEqual({ ok: true, value: { versions: [2], eventNumber: 1 } });
    expect(await store.get("a")).toEqual({ value: "new", version: 2, expiresAt: null });
    expect(heard).toEqual(["e1"]);
  });

  it("answers a conflict with a commit in flight only when that one is durable", async () => {
    const { open } = await embeddedFixture();
    const { disk, hold } = holdingDisk();
    const store = await open({ disk });
    const held = hold();
    const order: string[] = [];
    const winner = store.commit([put("a", "one", 0)]).then(() => order.push("winner"));
    await held.reached;
    const loser = store.commit([put("a", "two", 0)]).then(() => order.push("loser"));
    await store.get("a");
    expect(order).toEqual([]);
    held.release();
    await Promise.all([winner, loser]);
    expect(order).toEqual(["winner", "loser"]);
  });

  it("checks a commit against all those in flight, the next record's too", async () => {
    const { open } = await embeddedFixture();
    const { disk, hold } = holdingDisk();
    const store = await open({ disk });
    const firstRecord = hold();
    const first = store.commit([put("a", "one", 0)]);
    await firstRecord.reached;
    const second = store.commit([put("a", "two", 1)]);
    const secondRecord = hold();
    firstRecord.release();
    await first;
    await secondRecord.reached;
    const late = store.commit([put("a", "late", 1)]);
    const third = store.commit([put("a", "three", 2)]);
    secondRecord.release();
    expect(await Promise.all([second, late, third])).toEqual([
      { ok: true, value: { versions: [2], eventNumber: 0 } },
      { ok: false, error: { kind: "conflict", key: "a", version: 2 } },
      { ok: true, value: { versions: [3], eventNumber: 0 } },
    ]);
  });

  it("lets commits that arrive during a sync share the next one", async () => {
    const { open } = await embeddedFixture();
    const { disk, hold, syncs } = holdingDisk();
    const store = await open({ disk });
    const before = syncs();
    const held = hold();
    const first = store.commit([put("first", "x")]);
    await held.reached;
    const rest = Array.from({ length: 100 }, (_, n) => store.commit([put(`rest ${n}`, "x")]));
    held.release();
    await Promise.all([first, ...rest]);
    expect(syncs() - before).toBe(2);
    expect(await store.list("rest")).toHaveLength(100);
  });

  it("splits what arrives at once into records of bounded size", async () => {
    const { open, folder } = await embeddedFixture();
    const store = await open();
    const large = "x".repeat(30 * 1024 * 1024);
    await Promise.all(["a", "b", "c"].map((key) => store.commit([put(key, large)])));
    await store.close();
    expect((await stat(join(folder, "store.log"))).size).toBeGreaterThan(3 * large.length);
    const again = await open();
    expect((await again.list("")).map(({ key, value }) => [key, value.length])).toEqual([
      ["a", large.length],
      ["b", large.length],
      ["c", large.length],
    ]);
  });

  it("refuses a commit that no record can hold, and goes on", async () => {
    const { open } = await embeddedFixture();
    const store = await open();
    await expect(store.commit([put("a", "x".repeat(64 * 1024 * 1024))])).rejects.toThrow(RangeError);
    expect(await store.commit([put("a", "small", 0)])).toEqual({
      ok: true,
      value: { versions: [1], eventNumber: 0 },
    });
  });
});

describe("an embedded store whose disk fails", () => {
  it.each(["append", "sync"] as const)(
    "is unavailable for everything after a failed %s",
    async (operation) => {
      const { open, lines } = await embeddedFixture();
      const { disk, failNext } = failingDisk();
      const store = await open({ disk });
      await store.commit([put("a", "kept")]);
      failNext(operation);
      const inFlight = [store.commit([put("a", "lost")]), store.commit([put("a", "conflict", 0)])];
      for (const { status } of await Promise.allSettled(inFlight)) expect(status).toBe("rejected");
      const unavailable = new StoreUnavailable(new Error(`${operation} failed`));
      await expect(store.get("a")).rejects.toEqual(unavailable);
      await expect(store.list("")).rejects.toEqual(unavailable);
      await expect(store.commit([])).rejects.toEqual(unavailable);
      await expect(store.lastEventNumber()).rejects.toEqual(unavailable);
      await expect(store.eventsAfter(0)).rejects.toEqual(unavailable);
      expect(() => store.onEvent(() => undefined)).toThrow(StoreUnavailable);
      expect(lines.map(({ level, msg }) => ({ level, msg }))).toEqual([
        { level: "error", msg: "writing the store failed; it answers nothing until it is opened again" },
      ]);
    },
  );

  it("recovers by a fresh open, with every acknowledged commit", async () => {
    const { open } = await embeddedFixture();
    const { disk, failNext } = failingDisk();
    const store = await open({ disk });
    await store.commit([put("a", "kept"), { kind: "event", payload: "e1" }]);
    failNext("append");
    await expect(store.commit([put("b", "lost")])).rejects.toThrow(StoreUnavailable);
    await store.close();
    const again = await open();
    expect(await again.list("")).toEqual([{ key: "a", value: "kept", version: 1, expiresAt: null }]);
    expect(await again.commit([{ kind: "event", payload: "e2" }])).toEqual({
      ok: true,
      value: { versions: [], eventNumber: 2 },
    });
  });

  it("tells listeners nothing of a commit that failed", async () => {
    const { open } = await embeddedFixture();
    const { disk, failNext } = failingDisk();
    const store = await open({ disk });
    const heard: string[] = [];
    store.onEvent(({ payload }) => heard.push(payload));
    failNext("sync");
    await expect(store.commit([{ kind: "event", payload: "e1" }])).rejects.toThrow(StoreUnavailable);
    expect(heard).toEqual([]);
  });
});

describe("a listener that throws", () => {
  it("is logged with the event's number, without its payload", async () => {
    const { open, lines } = await embeddedFixture();
    const store = await open();
    store.onEvent(() => {
      throw new Error("broken listener");
    });
    await store.commit([{ kind: "event", payload: "private" }]);
    expect(lines).toMatchObject([{ level: "error", event: 1, msg: "a listener of store events failed" }]);
    expect(JSON.stringify(lines)).not.toContain("private");
  });
});

function put(key: string, value: string, ifVersion?: number): StoreWrite {
  const write = { kind: "put", key, value, expiresAt: null } as const;
  return ifVersion === undefined ? write : { ...write, ifVersion };
}

type Operation = "append" | "sync" | "syncFolder";

/** The real disk, of which one operation can be made to fail, once. */
function failingDisk(first?: Operation): { readonly disk: Disk; failNext(operation: Operation): void } {
  let failing = first;
  function attempt<T>(operation: Operation, act: () => Promise<T>): Promise<T> {
    if (operation !== failing) return act();
    failing = undefined;
    return Promise.reject(new Error(`${operation} failed`));
  }
  const disk: Disk = {
    ...nodeDisk,
    async create(path) {
      const file = await nodeDisk.create(path);
      return {
        append: (bytes) => attempt("append", () => file.append(bytes)),
        sync: () => attempt("sync", () => file.sync()),
        close: () => file.close(),
      };
    },
    syncFolder: (folder) => attempt("syncFolder", () => nodeDisk.syncFolder(folder)),
  };
  return {
    disk,
    failNext(operation) {
      failing = operation;
    },
  };
}

type Held = { readonly reached: Promise<void>; release(): void };

/** The real disk, whose next sync of a file can be held until it is released. */
function holdingDisk(): { readonly disk: Disk; hold(): Held; syncs(): number } {
  let syncs = 0;
  let next: { reach(): void; released: Promise<void> } | undefined;
  const disk: Disk = {
    ...nodeDisk,
    async create(path) {
      const file = await nodeDisk.create(path);
      return {
        ...file,
        async sync() {
          syncs += 1;
          const holding = next;
          next = undefined;
          holding?.reach();
          await holding?.released;
          await file.sync();
        },
      };
    },
  };
  return {
    disk,
    hold() {
      const reached = deferred();
      const released = deferred();
      next = { reach: reached.resolve, released: released.promise };
      return { reached: reached.promise, release: released.resolve };
    },
    syncs: () => syncs,
  };
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
