import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { verifyKeySet } from "../../core/key-set.ts";
import { writeKeySetFiles } from "../../token-exchange/key-set-files.ts";
import { openKeyring } from "../../token-exchange/keyring.ts";
import { openTrustKey } from "../../token-exchange/trust-key.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { NOW } from "../support/provider-fixture.ts";

const clock = createManualClock(NOW);
let folder: string;
let path: string;
let store: MemoryStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-trust-"));
  path = join(folder, "trust-key.pem");
  store = createMemoryStore(clock);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function issuesOfOpening() {
  const failure = await openTrustKey(folder, store).catch((error: unknown) => error);
  return failure instanceof ConfigError ? failure.issues : failure;
}

async function permissionsOf(file: string) {
  return (await stat(file)).mode & 0o777;
}

describe("the trust key", () => {
  it("is made at the first start, readable by its owner only, and the same at the next", async () => {
    const first = await openTrustKey(folder, store);
    const next = await openTrustKey(folder, store);
    expect(await permissionsOf(path)).toBe(0o600);
    expect(await readFile(path, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(first.thumbprint).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(next.thumbprint).toBe(first.thumbprint);
    expect(next.key.equals(first.key)).toBe(true);
  });

  it("is not made anew beside a store whose key sets gateways may have seen", async () => {
    const { key } = await openTrustKey(folder, store);
    await openKeyring({ store, clock, encryptionKey: randomBytes(32), trustKey: key, issuer: "gatehouse" });
    await rm(path);
    expect(await issuesOfOpening()).toEqual([
      {
        source: path,
        path: "",
        found: "no file, but a store whose key sets it has signed",
        expected: expect.stringContaining("restore it from a backup"),
      },
    ]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("is refused when others can read its file", async () => {
    await openTrustKey(folder, store);
    await chmod(path, 0o640);
    expect(await issuesOfOpening()).toEqual([
      {
        source: path,
        path: "",
        found: "mode 640",
        expected: "a file that nobody else can read; run `chmod 600` on it",
      },
    ]);
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  it.each([
    ["an empty file", ""],
    ["text", "not a key"],
    ["an RSA key", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["a key on another curve", p384.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["a public key", p256.publicKey.export({ type: "spki", format: "pem" }).toString()],
  ])("is refused when its file holds %s, which is left as it is and not shown", async (_, text) => {
    await writeFile(path, text, { mode: 0o600 });
    expect(await issuesOfOpening()).toEqual([
      {
        source: path,
        path: "",
        found: "a file that is not such a key",
        expected: "an EC P-256 private key, PKCS #8 in PEM",
      },
    ]);
    expect(await readFile(path, "utf8")).toBe(text);
  });
});

describe("the files for gateways", () => {
  it("hold the key set and the thumbprint that verifies it, and nothing secret", async () => {
    const trust = await openTrustKey(folder, store);
    const encryptionKey = randomBytes(32);
    const keyring = await openKeyring({
      store,
      clock,
      encryptionKey,
      trustKey: trust.key,
      issuer: "gatehouse",
    });
    await writeKeySetFiles(folder, keyring.keySet(), trust.thumbprint);
    const envelope = await readFile(join(folder, "key-set.jwt"), "utf8");
    const thumbprint = (await readFile(join(folder, "trust-thumbprint"), "utf8")).trim();
    const keySet = verifyKeySet(envelope, thumbprint, 0);
    expect(keySet.ok && keySet.value.keys).toEqual(keyring.publicKeys());
    expect(await permissionsOf(join(folder, "key-set.jwt"))).toBe(0o644);
    expect(await permissionsOf(join(folder, "trust-thumbprint"))).toBe(0o644);
  });

  it("replace older ones and leave no drafts behind", async () => {
    await writeKeySetFiles(folder, { number: 1, envelope: "one" }, "t1");
    await writeKeySetFiles(folder, { number: 2, envelope: "two" }, "t2");
    expect(await readFile(join(folder, "key-set.jwt"), "utf8")).toBe("two\n");
    expect(await readFile(join(folder, "trust-thumbprint"), "utf8")).toBe("t2\n");
    expect((await readdir(folder)).sort()).toEqual(["key-set.jwt", "trust-thumbprint"]);
  });
});
