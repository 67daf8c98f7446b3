import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../core/config-error.ts";
import type { Store } from "../../../core/store.ts";
import { encodeRecord, readRecord } from "../../../store/embedded/record.ts";
import { LOG_HEADER } from "../../../store/embedded/replay.ts";
import { type EmbeddedFixture, embeddedFixture } from "../embedded-fixture.ts";

const REMEDY =
  "an undamaged log of this version: restore it from a backup, or move it away to start with an empty store";

describe("opening a log with a torn tail", () => {
  it("cuts the last record, torn at any byte, and says how many bytes", async () => {
    const { fixture, path, bytes, offsets } = await logOfThreeCommits();
    const start = offsets.at(-1) ?? 0;
    for (let length = start; length < bytes.length; length += 1) {
      await writeFile(path, bytes.subarray(0, length));
      fixture.lines.length = 0;
      const store = await fixture.open();
      expect(await contentOf(store), `cut to ${length} bytes`).toEqual({ a: "2", events: ["e1", "e2"] });
      await store.close();
      expect(fixture.lines.map(({ msg, offset, bytes }) => ({ msg, offset, bytes }))).toEqual(
        length === start
          ? []
          : [{ msg: "cut the tail that a crash left", offset: start, bytes: length - start }],
      );
    }
  });

  it("cuts the last record when any of its bytes is another", async () => {
    const { fixture, path, bytes, offsets } = await logOfThreeCommits();
    for (let offset = offsets.at(-1) ?? 0; offset < bytes.length; offset += 1) {
      await writeFile(path, withFlippedBit(bytes, offset));
      const store = await fixture.open();
      expect(await contentOf(store), `flipped at ${offset}`).toEqual({ a: "2", events: ["e1", "e2"] });
      await store.close();
    }
  });

  it.each([1, 7, 8, 9, 5_000])("cuts a tail of %i zeros", async (zeros) => {
    const { fixture, path, bytes } = await logOfThreeCommits();
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(zeros)]));
    const store = await fixture.open();
    expect(await contentOf(store)).toEqual({ a: "3", events: ["e1", "e2", "e3"] });
    expect(fixture.lines).toMatchObject([{ level: "warn", file: path, offset: bytes.length, bytes: zeros }]);
  });

  it("goes on from there: what is committed next is found by the open after", async () => {
    const { fixture, path, bytes } = await logOfThreeCommits();
    await writeFile(path, bytes.subarray(0, bytes.length - 1));
    const store = await fixture.open();
    await store.commit([
      { kind: "put", key: "a", value: "4", expiresAt: null, ifVersion: 2 },
      { kind: "event", payload: "e4" },
    ]);
    await store.close();
    expect(await contentOf(await fixture.open())).toEqual({ a: "4", events: ["e1", "e2", "e4"] });
    expect(fixture.lines).toHaveLength(1);
  });
});

describe("opening a log with damage that no crash explains", () => {
  it("refuses any flipped byte before the last record, and leaves the file as it is", async () => {
    const { fixture, path, bytes, offsets } = await logOfThreeCommits();
    const last = offsets.at(-1) ?? 0;
    for (let offset = 0; offset < last; offset += 1) {
      const damaged = withFlippedBit(bytes, offset);
      await writeFile(path, damaged);
      const at = offsets.findLast((start) => start <= offset);
      const found =
        at === undefined
          ? "a file that does not begin as a store log does"
          : `damage at byte ${at} that no crash explains`;
      await expect(fixture.open(), `flipped at ${offset}`).rejects.toEqual(refusal(path, found));
      expect(await readFile(path)).toEqual(damaged);
    }
  });

  it("refuses a log cut within what the last compaction wrote", async () => {
    const { fixture, path, bytes, offsets } = await logOfThreeCommits();
    const compactedEnd = offsets[1] ?? 0;
    for (let length = 0; length < compactedEnd; length += 1) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(fixture.open(), `cut to ${length} bytes`).rejects.toThrow(ConfigError);
    }
  });

  it("refuses a file that is not a store's log", async () => {
    const fixture = await embeddedFixture();
    const path = join(fixture.folder, "store.log");
    await writeFile(path, "something else");
    await expect(fixture.open()).rejects.toEqual(
      refusal(path, "a file that does not begin as a store log does"),
    );
  });

  it.each([
    ["an unknown kind", '[{"kind":"move","from":"a","to":"b"}]'],
    ["no list", "[1]"],
    ["a put without version", '[{"kind":"put","key":"a","value":"x","expiresAt":null}]'],
    ["a tombstone without time", '[{"kind":"tombstone","key":"a","version":2}]'],
    ["no JSON", "[nonsense]"],
  ])("refuses a whole record that holds %s", async (_, json) => {
    const { fixture, path, bytes } = await logOfThreeCommits();
    await writeFile(path, Buffer.concat([bytes, encodeRecord(json)]));
    await expect(fixture.open()).rejects.toEqual(
      refusal(path, `a record at byte ${bytes.length} that this version does not know`),
    );
  });

  it("refuses events that are missing or repeated", async () => {
    const { fixture, path, bytes } = await logOfThreeCommits();
    for (const number of [3, 5]) {
      const record = encodeRecord(JSON.stringify([{ kind: "event", number, payload: "x" }]));
      await writeFile(path, Buffer.concat([bytes, record]));
      await expect(fixture.open()).rejects.toEqual(
        refusal(path, `event ${number} in place of 4 in the record at byte ${bytes.length}`),
      );
    }
  });
});

type ThreeCommits = {
  readonly fixture: EmbeddedFixture;
  readonly path: string;
  readonly bytes: Buffer;
  /** Where the mark of the compaction and each of the three commits begin. */
  readonly offsets: readonly number[];
};

async function logOfThreeCommits(): Promise<ThreeCommits> {
  const fixture = await embeddedFixture();
  const store = await fixture.open();
  for (const value of ["1", "2", "3"])
    await store.commit([
      { kind: "put", key: "a", value, expiresAt: null },
      { kind: "event", payload: `e${value}` },
    ]);
  await store.close();
  const path = join(fixture.folder, "store.log");
  const bytes = await readFile(path);
  const offsets: number[] = [];
  for (let offset = LOG_HEADER.length; offset < bytes.length; ) {
    offsets.push(offset);
    offset = readRecord(bytes, offset)?.end ?? bytes.length;
  }
  expect(offsets).toHaveLength(4);
  return { fixture, path, bytes, offsets };
}

async function contentOf(store: Store) {
  return {
    a: (await store.get("a"))?.value,
    events: (await store.eventsAfter(0)).map(({ payload }) => payload),
  };
}

function withFlippedBit(bytes: Buffer, offset: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(offset) ^ 0x10, offset);
  return flipped;
}

function refusal(source: string, found: string): ConfigError {
  return new ConfigError([{ source, path: "", found, expected: REMEDY }]);
}
