import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "../../../core/log.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { KeySetRefusal } from "../../../gateway/admit/key-ring.ts";
import { type KeySetFile, watchKeySetFile } from "../../../gateway/admit/key-set-file.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

let folder: string;
let path: string;
let clock: ManualClock;
let taken: string[];
let verdict: Result<number, KeySetRefusal>;
let files: KeySetFile[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-key-file-"));
  path = join(folder, "key-set.jwt");
  clock = createManualClock(0);
  taken = [];
  verdict = ok(1);
  files = [];
});
afterEach(async () => {
  for (const file of files) file.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(at = path): Promise<KeySetFile> {
  const keyRing = {
    keys: () => undefined,
    number: () => 0,
    idle: async () => {},
    async take(envelope: string, source: string) {
      taken.push(`${envelope} from ${source}`);
      return verdict;
    },
  };
  const file = await watchKeySetFile({ path: at, keyRing, clock, log: createLog("test", "silent") });
  files.push(file);
  return file;
}

describe("the key set file", () => {
  test("is brought at the start", async () => {
    await writeFile(path, "one");
    await open();
    expect(taken).toEqual([`one from ${path}`]);
  });

  test("is waited for, and brought by itself when it appears", async () => {
    await open();
    expect(taken).toEqual([]);
    await writeFile(path, "one");
    await expect.poll(() => taken.at(-1)).toBe(`one from ${path}`);
  });

  test("is brought when it is replaced by rename", async () => {
    await writeFile(path, "one");
    await open();
    const draft = join(folder, "draft");
    await writeFile(draft, "two");
    await rename(draft, path);
    await expect.poll(() => taken).toEqual([`one from ${path}`, `two from ${path}`]);
  });

  test("is found by looking every 5 seconds where the folder tells of no changes", async () => {
    const later = join(folder, "later", "key-set.jwt");
    await open(later);
    await rename(await mkdtemp(join(folder, "made-")), join(folder, "later"));
    await writeFile(later, "one");
    expect(taken).toEqual([]);
    clock.advance(5_000);
    await expect.poll(() => taken).toEqual([`one from ${later}`]);
  });

  test("is brought once as long as it stays the same, whatever the verdict", async () => {
    verdict = err("untrusted_key");
    await writeFile(path, "one");
    const file = await open();
    await file.refresh();
    await file.refresh();
    expect(taken).toEqual([`one from ${path}`]);
  });

  test("is brought again when it could not be kept", async () => {
    verdict = err("not_kept");
    await writeFile(path, "one");
    const file = await open();
    verdict = ok(1);
    await file.refresh();
    await file.refresh();
    expect(taken).toEqual([`one from ${path}`, `one from ${path}`]);
  });

  test("is not looked at any more after closing", async () => {
    const file = await open();
    file.close();
    await writeFile(path, "one");
    await file.refresh();
    clock.advance(60_000);
    await file.refresh();
    expect(taken).toEqual([]);
  });
});
