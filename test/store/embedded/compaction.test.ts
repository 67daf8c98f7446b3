import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StoreUnavailable, type StoreWrite } from "../../../core/store.ts";
import { type Disk, nodeDisk } from "../../../store/embedded/disk.ts";
import { embeddedFixture } from "../embedded-fixture.ts";

const KIB = 1024;
const VALUE = "x".repeat(KIB);

describe("compaction", () => {
  it("keeps the log near the size of what lives, and loses nothing of that", async () => {
    const { open, folder } = await embeddedFixture();
    const options = { compactAboveBytes: 16 * KIB, compactFactor: 4, keepEvents: 10 };
    const store = await open(options);
    await store.commit([put("kept", "from the start")]);
    for (let n = 1; n <= 200; n += 1)
      await store.commit([put("a", `${VALUE}${n}`), { kind: "event", payload: `e${n}` }]);
    expect((await stat(join(folder, "store.log"))).size).toBeLessThan(20 * KIB);
    const live = [
      { key: "a", value: `${VALUE}200`, version: 200, expiresAt: null },
      { key: "kept", value: "from the start", version: 1, expiresAt: null },
    ];
    expect(await store.list("")).toEqual(live);
    await store.close();
    const again = await open(options);
    expect(await again.list("")).toEqual(live);
    expect((await again.eventsAfter(190)).map(({ number, payload }) => `${number} ${payload}`)).toEqual(
      Array.from({ length: 10 }, (_, n) => `${191 + n} e${191 + n}`),
    );
    expect(await again.commit([put("a", "next", 200), { kind: "event", payload: "next" }])).toEqual({
      ok: true,
      value: { versions: [201], eventNumber: 201 },
    });
  });

  it("waits until the log is large and a multiple of what the last one left", async () => {
    const { open } = await embeddedFixture();
    const { disk, renames } = countingDisk();
    const first = await open({ disk });
    for (const key of ["a", "b", "c", "d"]) await first.commit([put(key, VALUE)]);
    await first.close();
    const store = await open({ disk, compactAboveBytes: KIB, compactFactor: 2 });
    const opened = renames();
    for (let n = 0; n < 3; n += 1) await store.commit([put("a", VALUE)]);
    expect(renames() - opened).toBe(0);
    for (let n = 0; n < 3; n += 1) await store.commit([put("a", VALUE)]);
    expect(renames() - opened).toBe(1);
  });

  it("comes ever more rarely while what lives only grows", async () => {
    const { open } = await embeddedFixture();
    const { disk, renames } = countingDisk();
    const store = await open({ disk, compactAboveBytes: KIB, compactFactor: 2 });
    const opened = renames();
    for (let n = 0; n < 31; n += 1) await store.commit([put(`key ${n}`, VALUE)]);
    // With 1, 3, 7, 15 and 31 entries.
    expect(renames() - opened).toBe(5);
  });

  it("happens at every open", async () => {
    const { open, folder } = await embeddedFixture();
    const store = await open();
    for (let n = 0; n < 100; n += 1) await store.commit([put("a", VALUE)]);
    await store.close();
    expect((await stat(join(folder, "store.log"))).size).toBeGreaterThan(100 * KIB);
    await (await open()).close();
    expect((await stat(join(folder, "store.log"))).size).toBeLessThan(2 * KIB);
  });

  it("drops what has expired or lapsed from the disk, and keeps a tombstone that stands", async () => {
    const { open, folder, clock } = await embeddedFixture();
    const store = await open();
    const soon = clock.now() + 10;
    await store.commit([
      { kind: "put", key: "expiring", value: "x", expiresAt: soon },
      { kind: "delete", key: "lapsing", tombstoneUntil: soon },
      { kind: "delete", key: "standing", tombstoneUntil: soon + 1 },
    ]);
    await store.close();
    clock.advance(10);
    const again = await open();
    const log = await readFile(join(folder, "store.log"), "latin1");
    expect(["expiring", "lapsing", "standing"].filter((key) => log.includes(key))).toEqual(["standing"]);
    expect(await again.commit([put("standing", "late", 0)])).toEqual({
      ok: false,
      error: { kind: "conflict", key: "standing", version: 1 },
    });
  });

  it("goes on with commits that arrive meanwhile", async () => {
    const { open } = await embeddedFixture();
    const store = await open({ compactAboveBytes: 1, compactFactor: 1 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        await store.commit([put(`first ${n}`, VALUE)]);
        return store.commit([put(`second ${n}`, VALUE)]);
      }),
    );
    expect(answers).toEqual(answers.map(() => ({ ok: true, value: { versions: [1], eventNumber: 0 } })));
    await store.close();
    expect(await (await open()).list("")).toHaveLength(200);
  });

  it("writes state larger than one chunk", async () => {
    const { open } = await embeddedFixture();
    const store = await open();
    const writes = Array.from({ length: 30 }, (_, n) => put(`key ${n + 10}`, "ä".repeat(100 * KIB)));
    await store.commit(writes);
    const before = await store.list("");
    await store.close();
    await (await open()).close();
    expect(await (await open()).list("")).toEqual(before);
  });

  it("ignores a draft that a crash left", async () => {
    const { open, folder } = await embeddedFixture();
    const store = await open();
    await store.commit([put("a", "one")]);
    await store.close();
    await writeFile(join(folder, "store.log.new"), "half a dra");
    const again = await open();
    expect(await again.get("a")).toEqual({ value: "one", version: 1, expiresAt: null });
    expect((await readdir(folder)).filter((name) => name.startsWith("store"))).toEqual(["store.log"]);
  });

  it.each(["create", "append", "sync", "rename", "syncFolder"] as const)(
    "that fails to %s ends the store, and a fresh open has every acknowledged commit",
    async (operation) => {
      const { open } = await embeddedFixture();
      const { disk, failWithin, openFiles } = compactionFailingDisk();
      const store = await open({ disk, compactAboveBytes: 4 * KIB, compactFactor: 1 });
      failWithin(operation);
      const acknowledged: number[] = [];
      for (let n = 1; n <= 20; n += 1) {
        const answer = await store.commit([put("a", VALUE)]).catch((error: unknown) => error);
        if (answer instanceof StoreUnavailable) break;
        acknowledged.push(n);
      }
      expect(acknowledged.length).toBeGreaterThan(2);
      expect(acknowledged.length).toBeLessThan(20);
      await store.close();
      expect(openFiles()).toBe(0);
      const again = await open();
      expect(await again.get("a")).toEqual({ value: VALUE, version: acknowledged.length, expiresAt: null });
    },
  );
});

function put(key: string, value: string, ifVersion?: number): StoreWrite {
  const write = { kind: "put", key, value, expiresAt: null } as const;
  return ifVersion === undefined ? write : { ...write, ifVersion };
}

function countingDisk(): { readonly disk: Disk; renames(): number } {
  let renames = 0;
  const disk: Disk = {
    ...nodeDisk,
    rename(from, to) {
      renames += 1;
      return nodeDisk.rename(from, to);
    },
  };
  return { disk, renames: () => renames };
}

type Operation = "create" | "append" | "sync" | "rename" | "syncFolder";

/** The real disk, on which one operation of the next compaction fails. */
function compactionFailingDisk(): {
  readonly disk: Disk;
  failWithin(operation: Operation): void;
  openFiles(): number;
} {
  let failing: Operation | undefined;
  let openFiles = 0;
  function attempt<T>(operation: Operation, concerned: boolean, act: () => Promise<T>): Promise<T> {
    return concerned && operation === failing ? Promise.reject(new Error(`${operation} failed`)) : act();
  }
  const disk: Disk = {
    ...nodeDisk,
    create: (path) =>
      attempt("create", true, async () => {
        const file = await nodeDisk.create(path);
        openFiles += 1;
        // The log that is open already must go on: only a file made from now on fails.
        const concerned = failing !== undefined;
        return {
          append: (bytes) => attempt("append", concerned, () => file.append(bytes)),
          sync: () => attempt("sync", concerned, () => file.sync()),
          close() {
            openFiles -= 1;
            return file.close();
          },
        };
      }),
    rename: (from, to) => attempt("rename", true, () => nodeDisk.rename(from, to)),
    syncFolder: (folder) => attempt("syncFolder", true, () => nodeDisk.syncFolder(folder)),
  };
  return {
    disk,
    failWithin(operation) {
      failing = operation;
    },
    openFiles: () => openFiles,
  };
}
