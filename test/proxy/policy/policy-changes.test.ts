import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Store, StoreEntry } from "../../../core/store.ts";
import { writeSnapshot } from "../../../proxy/policy/stored-snapshot.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { accessText, agentsOf, FIRST, startPolicy } from "./policy-fixture.ts";

const START = Date.UTC(2026, 10, 21);
let clock: ManualClock;
let store: MemoryStore;

beforeEach(() => {
  clock = createManualClock(START);
  store = createMemoryStore(clock);
});

/** As another front door on the same store does it. */
const changeElsewhere = (access: string) => writeSnapshot(store, { ...FIRST, access }, clock.now(), () => {});

describe("a policy that another process has changed", () => {
  it("lets nobody be admitted by the old one until it is read, and is then in force", async () => {
    let release = () => {};
    let answer: Promise<void> = Promise.resolve();
    const slow: Store = {
      ...store,
      async get(key): Promise<StoreEntry | undefined> {
        await answer;
        return store.get(key);
      },
    };
    const { inForce, judged } = await startPolicy(slow, clock);
    answer = new Promise((resolve) => {
      release = resolve;
    });
    await changeElsewhere(accessText("coder"));
    // Whoever decides by number 1 is sent back to decide again, until number 2 is there.
    expect([inForce.current().number, inForce.required(), judged]).toEqual([1, 2, []]);
    release();
    await vi.waitFor(() => expect(judged).toEqual([{ number: 2, agents: ["coder"] }]));
    expect([inForce.current().number, inForce.required()]).toEqual([2, 2]);
  });

  it("is asked for again and again while it cannot be read", async () => {
    let failing = false;
    let asked = 0;
    const broken: Store = {
      ...store,
      async get(key) {
        asked += 1;
        if (failing) throw new Error("away");
        return store.get(key);
      },
    };
    const { inForce, judged } = await startPolicy(broken, clock);
    failing = true;
    const before = asked;
    await changeElsewhere(accessText("coder"));
    await vi.waitFor(() => expect(asked).toBe(before + 1));
    expect([inForce.required(), judged]).toEqual([2, []]);
    failing = false;
    await vi.waitFor(() => {
      clock.advance(1_000);
      expect(judged).toEqual([{ number: 2, agents: ["coder"] }]);
    });
  });

  it("is not put over a newer one that came into force while it was read", async () => {
    let deliver = () => {};
    let held: Promise<void> = Promise.resolve();
    const slow: Store = {
      ...store,
      async get(key): Promise<StoreEntry | undefined> {
        const [read, until] = [await store.get(key), held];
        held = Promise.resolve();
        await until;
        return read;
      },
    };
    const { inForce, reload, edit, judged } = await startPolicy(slow, clock);
    held = new Promise((resolve) => {
      deliver = resolve;
    });
    await changeElsewhere(accessText("coder"));
    edit({ access: accessText() });
    await reload.reload("files");
    deliver();
    await settled();
    expect(judged).toEqual([{ number: 3, agents: [] }]);
    expect([inForce.current().number, agentsOf(inForce.current())]).toEqual([3, []]);
  });
});

/** Everything that waits for nothing else has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
