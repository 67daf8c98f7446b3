import { randomBytes } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { verifyKeySet } from "../../core/key-set.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { type Keyring, openKeyring } from "../../token-exchange/keyring.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { NOW } from "../support/provider-fixture.ts";

const encryptionKey = randomBytes(32);
const trust = generateEcKeyPair();
let clock: ManualClock;
let store: MemoryStore;

beforeEach(() => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
});

function open(changes: Partial<Parameters<typeof openKeyring>[0]> = {}): Promise<Keyring> {
  const deps = { store, clock, encryptionKey, trustKey: trust.privateKey, issuer: "gatehouse" };
  return openKeyring({ ...deps, ...changes });
}

describe("the keyring's first start", () => {
  it("makes one key, and publishes it in a key set that the trust key signed", async () => {
    const keyring = await open();
    const { kid } = keyring.signingKey();
    expect(keyring.publicKeys().map((key) => key.kid)).toEqual([kid]);
    expect(verifyKeySet(keyring.keySet().envelope, trust.jwk.kid, 0)).toEqual({
      ok: true,
      value: {
        number: keyring.keySet().number,
        issuer: "gatehouse",
        iat: NOW / 1000,
        keys: keyring.publicKeys(),
      },
    });
  });

  it("shows no private part of a key, neither in public keys nor in the store", async () => {
    const keyring = await open();
    const { d } = keyring.signingKey().key.export({ format: "jwk" });
    const stored = (await store.list("")).map((entry) => entry.value).join();
    expect(d).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Object.keys(keyring.publicKeys()[0] ?? {}).sort()).toEqual(
      ["alg", "crv", "kid", "kty", "use", "x", "y"].sort(),
    );
    expect(stored).not.toContain(d);
    expect(stored).not.toContain("PRIVATE KEY");
  });

  it("signs with the key whose public part it publishes", async () => {
    const keyring = await open();
    const { kid, key } = keyring.signingKey();
    const token = jsonwebtoken.sign({ a: 1 }, key, { algorithm: "ES256", noTimestamp: true });
    const publicKey = keyring.verificationKey(kid);
    expect(publicKey?.type).toBe("public");
    expect(jsonwebtoken.verify(token, publicKey ?? "", { algorithms: ["ES256"] })).toEqual({ a: 1 });
  });

  it("gives two replicas that start at the same moment the same key", async () => {
    const [one, other] = await Promise.all([open(), open()]);
    expect(one.signingKey().kid).toBe(other.signingKey().kid);
    expect(one.keySet()).toEqual(other.keySet());
    expect(await store.list("signing-key/")).toHaveLength(1);
  });
});

describe("the keyring's next start", () => {
  it("has the same key and the same key set", async () => {
    const first = await open();
    clock.advance(86_400_000);
    const next = await open();
    expect(next.signingKey().kid).toBe(first.signingKey().kid);
    expect(next.keySet()).toEqual(first.keySet());
  });

  it("publishes a higher number when the issuer's name changed", async () => {
    const first = await open();
    const next = await open({ issuer: "renamed" });
    expect(next.keySet().number).toBe(first.keySet().number + 1);
    const keySet = verifyKeySet(next.keySet().envelope, trust.jwk.kid, first.keySet().number + 1);
    expect(keySet.ok && keySet.value.issuer).toBe("renamed");
  });

  it("signs the key set anew when the trust key was replaced", async () => {
    const first = await open();
    const replaced = generateEcKeyPair();
    const next = await open({ trustKey: replaced.privateKey });
    expect(next.signingKey().kid).toBe(first.signingKey().kid);
    expect(verifyKeySet(next.keySet().envelope, replaced.jwk.kid, first.keySet().number + 1).ok).toBe(true);
    expect(verifyKeySet(next.keySet().envelope, trust.jwk.kid, 0)).toEqual({
      ok: false,
      error: "untrusted_key",
    });
  });

  it("goes on counting after the store was lost, so that gateways accept the new key set", async () => {
    const first = await open();
    await open({ issuer: "renamed" });
    clock.advance(60_000);
    const next = await open({ store: createMemoryStore(clock) });
    expect(next.keySet().number).toBeGreaterThan(first.keySet().number + 1);
  });

  it("names the encryption key when it does not open what is stored", async () => {
    await open();
    const failure = await open({ encryptionKey: randomBytes(32) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure instanceof ConfigError && failure.issues).toEqual([
      {
        source: "front-door configuration",
        path: "encryptionKey",
        found: "a key that does not open the signing keys stored in the data folder",
        expected:
          "the key that this data folder was first started with; restore it, or start with an empty folder",
      },
    ]);
  });
});

describe("a keyring of several keys", () => {
  it("verifies with all of them and signs with the newest", async () => {
    const older = await open();
    clock.advance(1_000);
    const elsewhere = createMemoryStore(clock);
    const newer = await open({ store: elsewhere });
    for (const entry of await elsewhere.list("signing-key/"))
      await store.commit([{ kind: "put", key: entry.key, value: entry.value, expiresAt: null }]);
    const both = await open();
    const kids = [older.signingKey().kid, newer.signingKey().kid];
    expect(both.publicKeys().map((key) => key.kid)).toEqual(kids);
    expect(both.signingKey().kid).toBe(kids[1]);
    expect(both.keySet().number).toBeGreaterThan(older.keySet().number);
    const keySet = verifyKeySet(both.keySet().envelope, trust.jwk.kid, 0);
    expect(keySet.ok && keySet.value.keys.map((key) => key.kid)).toEqual(kids);
  });

  it("knows no key by the name of an object's own members", async () => {
    const keyring = await open();
    for (const kid of ["__proto__", "constructor", "", "../../x"])
      expect(keyring.verificationKey(kid)).toBeUndefined();
  });
});
