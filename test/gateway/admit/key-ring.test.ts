import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Audit, AuditEvent } from "../../../core/audit.ts";
import { createLog } from "../../../core/log.ts";
import { err, ok } from "../../../core/result.ts";
import { type KeyRing, type KeySetRefusal, openKeyRing } from "../../../gateway/admit/key-ring.ts";
import { createTestDoor, createTestKey } from "../../support/assertion-fixture.ts";

const door = createTestDoor(() => 1_800_000_000_000);
const next = createTestKey();
let folder: string;
let audited: AuditEvent[];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "gatehouse-keys-")), "data");
  audited = [];
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

function open(): Promise<KeyRing> {
  const audit: Audit = {
    record: (event) => void audited.push(event),
    accepting: true,
    close: async () => {},
  };
  return openKeyRing({
    folder,
    trustThumbprint: door.trust.kid,
    issuer: "gatehouse",
    log: createLog("test", "silent"),
    audit,
  });
}

const kidsOf = (ring: KeyRing) => [...(ring.keys()?.keys() ?? [])];
const verdicts = () => audited.map(({ kind, outcome, reason }) => `${kind} ${outcome}: ${reason}`);

describe("key ring", () => {
  test("has no keys before the first set", async () => {
    const ring = await open();
    expect(ring.keys()).toBeUndefined();
    expect(ring.number()).toBe(0);
    expect(verdicts()).toEqual([]);
  });

  test("takes over a signed set", async () => {
    const ring = await open();
    expect(await ring.take(`${door.keySet()}\n`, "a test")).toEqual(ok(1));
    expect(kidsOf(ring)).toEqual([door.signing.kid]);
    expect(ring.number()).toBe(1);
    expect(verdicts()).toEqual(["key_set allowed: key set 1 accepted from a test"]);
  });

  test("says nothing about a set that it has already", async () => {
    const ring = await open();
    const envelope = door.keySet();
    await ring.take(envelope, "one");
    expect(await ring.take(envelope, "another")).toEqual(ok(1));
    expect(verdicts()).toEqual(["key_set allowed: key set 1 accepted from one"]);
  });

  test("drops a key that a newer set no longer lists", async () => {
    const ring = await open();
    await ring.take(door.keySet(), "a test");
    await ring.take(door.keySet({ number: 2, keys: [next.jwk as never] }), "a test");
    expect(kidsOf(ring)).toEqual([next.kid]);
    expect(ring.number()).toBe(2);
  });

  test.each<[string, () => string, KeySetRefusal]>([
    ["half of one", () => door.keySet({ number: 2 }).slice(0, -20), "bad_signature"],
    ["nonsense", () => "not a key set", "malformed"],
    ["nothing", () => "", "malformed"],
    ["a set of another trust key", () => createTestDoor(() => 0).keySet({ number: 9 }), "untrusted_key"],
    ["an older number", () => door.keySet({ number: 1 }), "older_number"],
    ["a set of another issuer", () => door.keySet({ number: 3, issuer: "elsewhere" }), "wrong_issuer"],
  ])("keeps the keys it has when it is brought %s", async (_, text, fault) => {
    const ring = await open();
    await ring.take(door.keySet({ number: 2 }), "a test");
    expect(await ring.take(text(), "somebody")).toEqual(err(fault));
    expect(kidsOf(ring)).toEqual([door.signing.kid]);
    expect(ring.number()).toBe(2);
    expect(verdicts().at(-1)).toBe(`key_set denied: ${fault}, from somebody`);
    expect(kidsOf(await open())).toEqual([door.signing.kid]);
  });

  test("knows its keys after a restart without being brought any", async () => {
    await (await open()).take(door.keySet({ number: 5 }), "a test");
    const ring = await open();
    expect(kidsOf(ring)).toEqual([door.signing.kid]);
    expect(ring.number()).toBe(5);
    expect((await stat(join(folder, "key-set.jwt"))).mode & 0o777).toBe(0o600);
  });

  test("refuses an older number after a restart too", async () => {
    await (await open()).take(door.keySet({ number: 5 }), "a test");
    expect(await (await open()).take(door.keySet({ number: 4 }), "a test")).toEqual(err("older_number"));
  });

  test("refuses an older number when somebody has put an old set into the cache or taken it away", async () => {
    await (await open()).take(door.keySet({ number: 5 }), "a test");
    for (const change of [
      () => writeFile(join(folder, "key-set.jwt"), door.keySet({ number: 4 })),
      () => rm(join(folder, "key-set.jwt")),
    ]) {
      await change();
      const ring = await open();
      expect(ring.keys()).toBeUndefined();
      // Zero, and not five: a front door that is told five would not bring the set that is missing.
      expect(ring.number()).toBe(0);
      expect(await ring.take(door.keySet({ number: 4 }), "a test")).toEqual(err("older_number"));
    }
    expect(await (await open()).take(door.keySet({ number: 5 }), "a test")).toEqual(ok(5));
  });

  test("has the newer set when it was killed between keeping the set and its number", async () => {
    await (await open()).take(door.keySet({ number: 5 }), "a test");
    await writeFile(join(folder, "key-set.jwt"), door.keySet({ number: 6, keys: [next.jwk as never] }));
    expect(kidsOf(await open())).toEqual([next.kid]);
    expect(await readFile(join(folder, "key-set-number"), "utf8")).toBe("6\n");
  });

  test("has the set it had when a newer one could not be kept", async () => {
    const ring = await open();
    await ring.take(door.keySet({ number: 5 }), "a test");
    const blocked = join(folder, "key-set.jwt.new");
    await mkdir(blocked);
    expect(await ring.take(door.keySet({ number: 6 }), "a test")).toEqual(err("not_kept"));
    await rm(blocked, { recursive: true });
    expect((await open()).number()).toBe(5);
  });

  test("accepts nothing while the number it has seen cannot be understood", async () => {
    await (await open()).take(door.keySet({ number: 5 }), "a test");
    await writeFile(join(folder, "key-set-number"), "five");
    const ring = await open();
    expect(ring.keys()).toBeUndefined();
    expect(await ring.take(door.keySet({ number: 6 }), "a test")).toEqual(err("not_kept"));
    expect(ring.keys()).toBeUndefined();
  });

  test("does not believe a set that it could not keep, and believes it once it can", async () => {
    const ring = await open();
    // A folder where the file's draft should be.
    await mkdir(join(folder, "key-set.jwt.new"), { recursive: true });
    expect(await ring.take(door.keySet(), "a test")).toEqual(err("not_kept"));
    expect(ring.keys()).toBeUndefined();
    await rm(join(folder, "key-set.jwt.new"), { recursive: true });
    expect(await ring.take(door.keySet(), "a test")).toEqual(ok(1));
  });

  test("ends with the newest of sets that are brought at once", async () => {
    const ring = await open();
    const verdict = await Promise.all(
      [1, 3, 2].map((number) => ring.take(door.keySet({ number }), "a test")),
    );
    expect(verdict).toEqual([ok(1), ok(3), err("older_number")]);
    expect(ring.number()).toBe(3);
    expect((await open()).number()).toBe(3);
  });

  test("is idle when what was brought has its verdict and is on disk", async () => {
    const ring = await open();
    void ring.take(door.keySet({ number: 1 }), "a test");
    void ring.take(door.keySet({ number: 2 }), "a test");
    await ring.idle();
    expect([ring.number(), await readFile(join(folder, "key-set-number"), "utf8")]).toEqual([2, "2\n"]);
    expect((await readdir(folder)).sort()).toEqual(["key-set-number", "key-set.jwt"]);
    await ring.idle();
  });
});
