// The keyring's keys as they come and go; opening one is in keyring.test.ts.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { ACCESS_TOKEN_LIFETIME_SECONDS, CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import { ConfigError } from "../../core/config-error.ts";
import { vouchFor } from "../../core/identity.ts";
import { newSessionId, userIdOf } from "../../core/ids.ts";
import { readJwtHeader, verifyJwt } from "../../core/jwt.ts";
import { verifyKeySet } from "../../core/key-set.ts";
import type { Store } from "../../core/store.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { issueAccessToken } from "../../token-exchange/issue-access-token.ts";
import { type Keyring, openKeyring, type PublishedKeySet } from "../../token-exchange/keyring.ts";
import { RETIRED_FOR_MS } from "../../token-exchange/signing-key.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { NOW } from "../support/provider-fixture.ts";

const OVERLAP_MS = 600_000;
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

function statesOf(keyring: Keyring): string[] {
  return keyring.states().map(({ kid, state }) => `${state} ${kid}`);
}

/** The keys that a gateway would accept by this set, pinned on the trust key. */
function publishedKids(keySet: PublishedKeySet): string[] {
  const verified = verifyKeySet(keySet.envelope, trust.jwk.kid, 0);
  if (!verified.ok) throw new Error(verified.error);
  expect(verified.value.number).toBe(keySet.number);
  return verified.value.keys.map((key) => key.kid);
}

function kidsOf(keyring: Keyring): string[] {
  return keyring.publicKeys().map((key) => key.kid);
}

describe("a rotation", () => {
  it("publishes a key before it signs, and keeps the old one while what it signed can be valid", async () => {
    const keyring = await open();
    const first = keyring.signingKey().kid;
    const before = keyring.keySet().number;

    const published = await keyring.rotate();
    const [, second = ""] = kidsOf(keyring);
    expect(published).toEqual(keyring.keySet());
    expect(published.number).toBe(before + 1);
    expect(publishedKids(published)).toEqual([first, second]);
    expect(keyring.states()).toEqual([
      { kid: first, state: "signing", createdAt: NOW, signsFrom: NOW },
      { kid: second, state: "next", createdAt: NOW, signsFrom: NOW + OVERLAP_MS },
    ]);
    expect(keyring.signingKey().kid).toBe(first);

    clock.advance(OVERLAP_MS - 1);
    expect(keyring.signingKey().kid).toBe(first);
    clock.advance(1);
    expect(keyring.signingKey().kid).toBe(second);
    expect(statesOf(keyring)).toEqual([`retired ${first}`, `signing ${second}`]);
    expect(keyring.verificationKey(first)?.type).toBe("public");

    clock.advance(RETIRED_FOR_MS - 1);
    expect(await keyring.tick()).toEqual(published);
    clock.advance(1);
    const dropped = await keyring.tick();
    expect(dropped.number).toBe(published.number + OVERLAP_MS / 1000 + RETIRED_FOR_MS / 1000 - 1);
    expect(publishedKids(dropped)).toEqual([second]);
    expect(keyring.verificationKey(first)).toBeUndefined();
    expect((await store.list("signing-key/")).map(({ key }) => key)).toEqual([`signing-key/${second}`]);
  });

  it("keeps a key for the longest life of a token, and the skew of two clocks", () => {
    expect(RETIRED_FOR_MS).toBe((ACCESS_TOKEN_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1000);
  });

  it("takes the overlap that it is given", async () => {
    const keyring = await open({ overlapMs: 5_000 });
    await keyring.rotate();
    expect(keyring.states()[1]?.signsFrom).toBe(NOW + 5_000);
  });

  it("does nothing while a key already waits to sign", async () => {
    const keyring = await open();
    const first = await keyring.rotate();
    clock.advance(OVERLAP_MS - 1);
    expect(await keyring.rotate()).toEqual(first);
    clock.advance(1);
    const second = await keyring.rotate();
    expect(second.number).toBeGreaterThan(first.number);
    expect(publishedKids(second)).toHaveLength(3);
  });

  it("goes on where it was after a restart", async () => {
    const keyring = await open();
    await keyring.rotate();
    const again = await open();
    expect(again.states()).toEqual(keyring.states());
    expect(again.keySet()).toEqual(keyring.keySet());
    clock.advance(OVERLAP_MS);
    expect(again.signingKey().kid).toBe(keyring.signingKey().kid);
    expect(again.signingKey().kid).toBe(kidsOf(keyring)[1]);
  });

  it("drops at a start what was due while nothing ran", async () => {
    const keyring = await open();
    await keyring.rotate();
    const [, second] = kidsOf(keyring);
    clock.advance(OVERLAP_MS + RETIRED_FOR_MS);
    expect(kidsOf(await open())).toEqual([second]);
  });

  it("signs on with the first key when the clock is set back before any of them", async () => {
    const keyring = await open();
    await keyring.rotate();
    const earlier = await open({ clock: createManualClock(NOW - 86_400_000) });
    expect(earlier.signingKey().kid).toBe(keyring.signingKey().kid);
  });

  it("takes a key whose record says no start for one that has always signed", async () => {
    const keyring = await open();
    const [entry] = await store.list("signing-key/");
    const { createdAt, sealed } = JSON.parse(entry?.value ?? "") as { createdAt: number; sealed: string };
    await store.commit([
      { kind: "put", key: entry?.key ?? "", value: JSON.stringify({ createdAt, sealed }), expiresAt: null },
    ]);
    expect((await open()).states()).toEqual(keyring.states());
  });

  it("needs the encryption key: with another one nothing is written", async () => {
    await open();
    const before = await store.list("");
    const failure = await open({ encryptionKey: randomBytes(32) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(await store.list("")).toEqual(before);
  });
});

describe("a replacement", () => {
  it("makes a new key sign at once and drops all others in the same commit", async () => {
    const keyring = await open();
    await keyring.rotate();
    const gone = kidsOf(keyring);
    const commits: number[] = [];
    const counting: Store = {
      ...store,
      commit(writes) {
        commits.push(writes.length);
        return store.commit(writes);
      },
    };
    const replacing = await open({ store: counting });
    const published = await replacing.replace();
    const { kid } = replacing.signingKey();
    expect(gone).not.toContain(kid);
    expect(publishedKids(published)).toEqual([kid]);
    expect(statesOf(replacing)).toEqual([`signing ${kid}`]);
    expect(gone.map((old) => replacing.verificationKey(old))).toEqual([undefined, undefined]);
    expect((await store.list("signing-key/")).map(({ key }) => key)).toEqual([`signing-key/${kid}`]);
    // One key put, two deleted, the key set.
    expect(commits).toEqual([4]);
    expect(published.number).toBeGreaterThan(keyring.keySet().number);
  });

  it("leaves what was as it was when the store fails", async () => {
    const keyring = await open();
    const before = keyring.states();
    const keySet = keyring.keySet();
    store.fail();
    await expect(keyring.replace()).rejects.toThrow("the store is unavailable");
    expect(keyring.states()).toEqual(before);
    expect(keyring.keySet()).toEqual(keySet);
  });
});

describe("an access token", () => {
  const issuer = "https://idp.example.com";
  const publicUrl = "https://agents.example.com";

  function issue(keyring: Keyring) {
    const identity = vouchFor({
      userId: userIdOf(issuer, "alice-1"),
      issuer,
      email: null,
      emailVerified: false,
      emailTrusted: false,
      name: null,
      groups: [],
      sid: newSessionId(),
      via: "bearer",
      expiresAt: NOW + 86_400_000,
      asOfEvent: 0,
    });
    const { token } = issueAccessToken(keyring, { identity, clientId: "cli", publicUrl }, clock.now());
    return () => {
      const header = readJwtHeader(token);
      const key = header.ok ? keyring.verificationKey(header.value.kid ?? "") : undefined;
      if (key === undefined) return "unknown_key";
      const rules = { types: ["at+jwt"], algorithms: ["ES256" as const], issuer: publicUrl };
      const verified = verifyJwt(token, key, {
        ...rules,
        audience: publicUrl,
        now: clock.now(),
        skewSeconds: CLOCK_SKEW_SECONDS,
      });
      return verified.ok ? "counts" : verified.error;
    };
  }

  it("signed by a key that has retired still counts", async () => {
    const keyring = await open();
    await keyring.rotate();
    clock.advance(OVERLAP_MS - 1);
    const verify = issue(keyring);
    clock.advance(1_000);
    await keyring.tick();
    expect(keyring.states()[0]?.state).toBe("retired");
    expect(verify()).toBe("counts");
  });

  it("counts until its own end, however the keys were rotated meanwhile", async () => {
    const keyring = await open({ overlapMs: 1 });
    const verify = issue(keyring);
    for (let second = 1; second < ACCESS_TOKEN_LIFETIME_SECONDS; second += 30) {
      await keyring.rotate();
      clock.advance(30_000);
      await keyring.tick();
      expect(verify()).toBe("counts");
    }
  });

  it("counts no more once the keys were replaced", async () => {
    const keyring = await open();
    const verify = issue(keyring);
    expect(verify()).toBe("counts");
    await keyring.replace();
    expect(verify()).toBe("unknown_key");
  });
});

describe("two keyrings on one store", () => {
  it("that rotate at the same moment publish one new key between them", async () => {
    const [one, other] = [await open(), await open()];
    const [first, second] = await Promise.all([one.rotate(), other.rotate()]);
    expect(first).toEqual(second);
    expect(publishedKids(first)).toHaveLength(2);
    expect(one.states()).toEqual(other.states());
    expect(await store.list("signing-key/")).toHaveLength(2);
  });

  it("that replace at the same moment leave one key, and it is not one of before", async () => {
    const [one, other] = [await open(), await open()];
    const before = one.signingKey().kid;
    await Promise.all([one.replace(), other.replace()]);
    await Promise.all([one.tick(), other.tick()]);
    expect(one.states()).toEqual(other.states());
    expect(one.states()).toHaveLength(1);
    expect(one.signingKey().kid).not.toBe(before);
  });

  it("know each other's keys after the next tick", async () => {
    const [one, other] = [await open(), await open()];
    await one.rotate();
    expect(other.states()).toHaveLength(1);
    expect(await other.tick()).toEqual(one.keySet());
    expect(other.states()).toEqual(one.states());
  });

  it("never publish a key again that one of them replaced while the other was rotating", async () => {
    const one = await open();
    const leaked = one.signingKey().kid;
    // The replacement falls between the two reads of the rotation, each time that this is tried.
    for (const between of ["get", "list"] as const) {
      let replaced = false;
      const replaceOnce = async () => {
        if (replaced) return;
        replaced = true;
        await one.replace();
      };
      const interleaved: Store = {
        ...store,
        async get(key) {
          const entry = await store.get(key);
          if (between === "get") await replaceOnce();
          return entry;
        },
        async list(prefix) {
          const entries = await store.list(prefix);
          if (between === "list") await replaceOnce();
          return entries;
        },
      };
      const rotating = await open({ store: interleaved });
      const published = await rotating.rotate();
      expect(replaced).toBe(true);
      expect(publishedKids(published)).not.toContain(leaked);
      expect(publishedKids(published)).toEqual(
        expect.arrayContaining((await store.list("signing-key/")).map(({ key }) => key.split("/")[1])),
      );
    }
  });

  it("give up, rather than guess, when the store conflicts without end", async () => {
    const keyring = await open();
    const restless: Store = {
      ...store,
      commit: async () => ({ ok: false, error: { kind: "conflict", key: "key-set/current", version: 9 } }),
    };
    const other = await open({ store: restless });
    await expect(other.rotate()).rejects.toThrow("the keyring changed 5 times while it was being changed");
    expect(other.states()).toEqual(keyring.states());
  });

  it("are not set back by an answer that was overtaken", async () => {
    let lists = 0;
    let release = () => {};
    let reach = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const slow: Store = {
      ...store,
      async list(prefix) {
        const entries = await store.list(prefix);
        lists += 1;
        if (lists !== 2) return entries;
        reach();
        await released;
        return entries;
      },
    };
    const keyring = await open({ store: slow });
    const overtaken = keyring.tick();
    await reached;
    const replaced = await keyring.replace();
    release();
    expect(await overtaken).toEqual(replaced);
    expect(keyring.keySet()).toEqual(replaced);
    expect(keyring.states()).toHaveLength(1);
  });
});

describe("whatever is done with two keyrings in whatever order", () => {
  type Step =
    | { readonly do: "rotate" | "replace" | "tick" | "restart"; readonly on: 0 | 1 }
    | { readonly do: "wait"; readonly ms: number };
  const on = fc.constantFrom(0 as const, 1 as const);
  const verb = fc.constantFrom("rotate", "replace", "tick", "restart" as const);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: verb, on }) as fc.Arbitrary<Step>,
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 2 * OVERLAP_MS }) }),
  );

  it("numbers grow, keys stay few, and what signs was published long enough before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        clock = createManualClock(NOW);
        store = createMemoryStore(clock);
        const rings = [await open(), await open()] as const;
        const keyrings: Keyring[] = [...rings];
        const publishedAt = new Map(kidsOf(rings[0]).map((kid) => [kid, -Infinity]));
        let number = rings[0].keySet().number;
        for (const one of steps) {
          if (one.do === "wait") clock.advance(one.ms);
          else if (one.do === "restart") keyrings[one.on] = await open();
          else await keyrings[one.on]?.[one.do]();
          // Everybody has a tick a minute; none of the waits above is allowed to hide a change from the other.
          await Promise.all(keyrings.map((keyring) => keyring.tick()));
          const [keyring, other] = keyrings as [Keyring, Keyring];
          expect(other.states()).toEqual(keyring.states());
          expect(keyring.keySet().number).toBeGreaterThanOrEqual(number);
          number = keyring.keySet().number;
          expect(publishedKids(keyring.keySet())).toEqual(kidsOf(keyring));
          expect(keyring.states().filter(({ state }) => state === "signing")).toHaveLength(1);
          expect(keyring.states().filter(({ state }) => state === "next").length).toBeLessThanOrEqual(1);
          for (const { kid, state } of keyring.states()) {
            if (!publishedAt.has(kid))
              publishedAt.set(kid, state === "signing" && one.do === "replace" ? -Infinity : clock.now());
            const known = clock.now() - (publishedAt.get(kid) ?? clock.now());
            if (state === "signing") expect(known).toBeGreaterThanOrEqual(OVERLAP_MS);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
