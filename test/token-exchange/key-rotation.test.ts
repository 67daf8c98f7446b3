import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Clock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { generateEcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { createKeyRotation, type KeyRotationDeps } from "../../token-exchange/key-rotation.ts";
import { type Keyring, openKeyring, type PublishedKeySet } from "../../token-exchange/keyring.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store.ts";
import { NOW } from "../support/provider-fixture.ts";

const MINUTE_MS = 60_000;
const EVERY_MS = 30 * 86_400_000;
const trust = generateEcKeyPair();
const encryptionKey = randomBytes(32);
let clock: ManualClock;
let store: MemoryStore;
let keyring: Keyring;
let told: PublishedKeySet[];
let logged: Record<string, unknown>[];

beforeEach(async () => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
  keyring = await open();
  told = [];
  logged = [];
});

function open(): Promise<Keyring> {
  return openKeyring({ store, clock, encryptionKey, trustKey: trust.privateKey, issuer: "gatehouse" });
}

function start(changes: Partial<KeyRotationDeps> = {}) {
  const log = createLog("front-door", "debug", { write: (line) => void logged.push(JSON.parse(line)) });
  const onChange = (keySet: PublishedKeySet) => void told.push(keySet);
  // Checks are asked for by the tests themselves; the timer has a test of its own.
  const untimed: Clock = { ...clock, after: () => () => {} };
  const deps = { keyring, everyMs: EVERY_MS, clock: untimed, log, onChange };
  const rotation = createKeyRotation({ ...deps, ...changes });
  onTestFinished(() => rotation.stop());
  return rotation;
}

describe("by schedule", () => {
  it("a key that has reached its age gets a successor, and whoever must know is told", async () => {
    const rotation = start();
    clock.advance(EVERY_MS - 1);
    await rotation.check();
    expect(told).toEqual([]);
    clock.advance(1);
    await rotation.check();
    expect(told).toEqual([keyring.keySet()]);
    expect(keyring.states().map(({ state }) => state)).toEqual(["signing", "next"]);
    await rotation.check();
    expect(told).toHaveLength(1);
  });

  it("the successor's age counts from when it was made", async () => {
    const rotation = start();
    clock.advance(EVERY_MS);
    await rotation.check();
    clock.advance(EVERY_MS - 1);
    await rotation.check();
    expect(keyring.states().map(({ state }) => state)).toEqual(["signing"]);
    clock.advance(1);
    await rotation.check();
    expect(keyring.states().map(({ state }) => state)).toEqual(["signing", "next"]);
    // Published, dropped, published.
    expect(told).toHaveLength(3);
  });

  it("it is checked every minute, one check after the other, until it is stopped", async () => {
    const waiting: { readonly delayMs: number; readonly action: () => void }[] = [];
    let armed = () => {};
    const counting: Clock = {
      ...clock,
      after(delayMs, action) {
        waiting.push({ delayMs, action });
        armed();
        return () => void waiting.pop();
      },
    };
    const rotation = start({ clock: counting });
    for (let minute = 1; minute <= 3; minute += 1) {
      expect(waiting.map(({ delayMs }) => delayMs)).toEqual([MINUTE_MS]);
      const next = new Promise<void>((resolve) => {
        armed = resolve;
      });
      waiting.pop()?.action();
      expect(waiting).toEqual([]);
      await next;
    }
    rotation.stop();
    expect(waiting).toEqual([]);
  });

  it("a key set that another replica has published is passed on too", async () => {
    const rotation = start();
    const other = await open();
    const published = await other.rotate();
    await rotation.check();
    expect(told).toEqual([published]);
  });

  it("a store that does not answer is logged and asked again by the next check", async () => {
    let failing = true;
    const rotation = start({
      keyring: {
        ...keyring,
        tick: () => (failing ? Promise.reject(new Error("away")) : keyring.tick()),
      },
    });
    clock.advance(EVERY_MS);
    await rotation.check();
    expect(logged.map(({ level, msg }) => [level, msg])).toEqual([
      ["error", "the signing keys could not be checked"],
    ]);
    failing = false;
    await rotation.check();
    expect(told).toEqual([keyring.keySet()]);
  });
});

describe("by command", () => {
  it("rotating publishes the next key and tells of it", async () => {
    const published = await start().rotate();
    expect(told).toEqual([published]);
    expect(keyring.states().map(({ state }) => state)).toEqual(["signing", "next"]);
  });

  it("replacing puts a new key in place of all others and tells of it", async () => {
    const before = keyring.signingKey().kid;
    const published = await start().replace();
    expect(told).toEqual([published]);
    expect(keyring.states().map(({ state }) => state)).toEqual(["signing"]);
    expect(keyring.signingKey().kid).not.toBe(before);
  });

  it("a store that does not answer is the caller's to know", async () => {
    const rotation = start();
    store.fail();
    await expect(rotation.rotate()).rejects.toThrow("the store is unavailable");
    await expect(rotation.replace()).rejects.toThrow("the store is unavailable");
    expect(told).toEqual([]);
  });
});

describe("a key set that could not be passed on", () => {
  it("is logged, and passed on by the next check", async () => {
    let failing = true;
    const rotation = start({
      async onChange(keySet) {
        if (failing) throw new Error("disk full");
        told.push(keySet);
      },
    });
    const published = await rotation.replace();
    expect(logged.map(({ level, number }) => [level, number])).toEqual([
      ["info", published.number],
      ["error", published.number],
    ]);
    failing = false;
    await rotation.check();
    expect(told).toEqual([published]);
    await rotation.check();
    expect(told).toHaveLength(1);
  });
});

it("says in the log which key signs and which comes next, and no part of any of them", async () => {
  await start().rotate();
  const [first, second] = keyring.states();
  const [line] = logged;
  expect([line?.["msg"], line?.["number"], line?.["keys"]]).toEqual([
    "a new key set is published",
    keyring.keySet().number,
    [`signing ${first?.kid}`, `next ${second?.kid}`],
  ]);
  expect(Object.keys(line ?? {}).sort()).toEqual(["keys", "level", "msg", "number", "part", "time"]);
});
