import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Audit, AuditEvent } from "../../../core/audit.ts";
import { createLog } from "../../../core/log.ts";
import { createAcceptedNumber } from "../../../gateway/admit/accepted-number.ts";
import { type KeyRing, openKeyRing } from "../../../gateway/admit/key-ring.ts";
import { createTestDoor, createTestKey } from "../../support/assertion-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const door = createTestDoor(() => 1_800_000_000_000);
const next = createTestKey();
let folder: string;
let path: string;
let rings: KeyRing[];
let audited: AuditEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-keys-"));
  path = join(folder, "key-set.jwt");
  rings = [];
  audited = [];
});
afterEach(async () => {
  for (const ring of rings) ring.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<KeyRing> {
  const audit: Audit = {
    record: (event) => void audited.push(event),
    accepting: true,
    close: async () => {},
  };
  const ring = await openKeyRing({
    path,
    trustThumbprint: door.trust.kid,
    issuer: "gatehouse",
    acceptedNumber: createAcceptedNumber(join(folder, "data", "key-set-number")),
    clock: createManualClock(0),
    log: createLog("test", "silent"),
    audit,
  });
  rings.push(ring);
  return ring;
}

const kidsOf = (ring: KeyRing) => [...(ring.keys()?.keys() ?? [])];
const verdicts = () => audited.map(({ outcome, reason }) => `${outcome}: ${reason}`);

describe("key ring", () => {
  test("reads the signed key set at start", async () => {
    await writeFile(path, `${door.keySet()}\n`);
    expect(kidsOf(await open())).toEqual([door.signing.kid]);
    expect(verdicts()).toEqual(["allowed: key set 1 accepted"]);
  });

  test("has no keys without a file, and picks it up by itself when it appears", async () => {
    const ring = await open();
    expect(ring.keys()).toBeUndefined();
    await writeFile(path, door.keySet());
    await expect.poll(() => kidsOf(ring)).toEqual([door.signing.kid]);
  });

  test("picks up a file that is replaced by rename", async () => {
    await writeFile(path, door.keySet());
    const ring = await open();
    const draft = join(folder, "draft");
    await writeFile(draft, door.keySet({ number: 2, keys: [next.jwk as never, door.signing.jwk as never] }));
    await rename(draft, path);
    await expect.poll(() => kidsOf(ring)).toEqual([next.kid, door.signing.kid]);
  });

  test("drops a key that a newer set no longer lists", async () => {
    await writeFile(path, door.keySet());
    const ring = await open();
    await writeFile(path, door.keySet({ number: 2, keys: [next.jwk as never] }));
    await ring.refresh();
    expect(kidsOf(ring)).toEqual([next.kid]);
  });

  test.each([
    ["half of one", () => door.keySet({ number: 2 }).slice(0, -20), "bad_signature"],
    ["nonsense", () => "not a key set", "malformed"],
    ["a set signed by another trust key", () => createTestDoor(() => 0).keySet(), "untrusted_key"],
    ["an older number", () => door.keySet({ number: 1 }), "older_number"],
    ["a set of another issuer", () => door.keySet({ number: 3, issuer: "elsewhere" }), "wrong_issuer"],
  ])("keeps the keys it has when the file becomes %s", async (_, text, fault) => {
    await writeFile(path, door.keySet({ number: 2 }));
    const ring = await open();
    await writeFile(path, text());
    await ring.refresh();
    expect(kidsOf(ring)).toEqual([door.signing.kid]);
    expect(verdicts()).toContain(`denied: ${fault}`);
  });

  test("keeps the keys it has when the file is removed", async () => {
    await writeFile(path, door.keySet());
    const ring = await open();
    await rm(path);
    await ring.refresh();
    expect(kidsOf(ring)).toEqual([door.signing.kid]);
  });

  test("refuses an older number after a restart too", async () => {
    await writeFile(path, door.keySet({ number: 5 }));
    (await open()).close();
    await writeFile(path, door.keySet({ number: 4 }));
    const refusing = await open();
    expect(refusing.keys()).toBeUndefined();
    refusing.close();
    await writeFile(path, door.keySet({ number: 5 }));
    expect(kidsOf(await open())).toEqual([door.signing.kid]);
  });

  test("accepts nothing while the number it has seen cannot be understood", async () => {
    await writeFile(path, door.keySet({ number: 5 }));
    (await open()).close();
    await writeFile(join(folder, "data", "key-set-number"), "five");
    expect((await open()).keys()).toBeUndefined();
  });
});
