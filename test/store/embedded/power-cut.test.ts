import fc from "fast-check";
import { expect, it } from "vitest";
import type { Store, StoreWrite } from "../../../core/store.ts";
import { openEmbeddedStore } from "../../../store/embedded.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { recordingLog, START_MS, temporaryFolder } from "../embedded-fixture.ts";
import { createSimulatedDisk, type SimulatedDisk } from "./simulated-disk.ts";

it("survives a power cut at any operation: every acknowledged commit is there, none by half", async () => {
  const folder = await temporaryFolder();
  const clock = createManualClock(START_MS);
  const { log } = recordingLog();
  const cuts = fc.array(
    fc.record({
      // An open takes seven operations, a group of commits two.
      afterOperations: fc.nat({ max: 60 }),
      /** How many commits are called at once, again and again. */
      atOnce: fc.integer({ min: 1, max: 5 }),
      survival: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
    }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(cuts, async (cuts) => {
      const simulated = createSimulatedDisk();
      const open = () =>
        openEmbeddedStore({
          folder,
          clock,
          log,
          disk: simulated.disk,
          keepEvents: 3,
          compactAboveBytes: 1_000,
          compactFactor: 2,
        });
      let acknowledged = 0;
      for (const { afterOperations, atOnce, survival } of cuts) {
        simulated.cutPowerAfter(afterOperations);
        const called = await commitUntilCut(open, acknowledged, atOnce);
        simulated.restart(() => survival.next().value);
        const store = await open();
        const found = await lastWholeCommit(store);
        await store.close();
        expect(found).toBeGreaterThanOrEqual(called.acknowledged);
        expect(found).toBeLessThanOrEqual(called.called);
        acknowledged = found;
      }
    }),
    { numRuns: 300 },
  );
});

it("has a simulated disk that loses what is not synced", async () => {
  const simulated = createSimulatedDisk();
  const file = await simulated.disk.create("synced");
  await file.append(Buffer.from("one "));
  await file.sync();
  await simulated.disk.syncFolder(".");
  await file.append(Buffer.from("two"));
  await simulated.disk.create("unsynced name");
  expectPowerCut(simulated);
  await expect(file.append(Buffer.from("three"))).rejects.toThrow("the power is cut");
  simulated.restart(() => 0);
  expect((await simulated.disk.read("synced"))?.toString()).toBe("one ");
  expect(await simulated.disk.read("unsynced name")).toBeUndefined();
});

function expectPowerCut(simulated: SimulatedDisk) {
  simulated.cutPowerAfter(0);
}

type Called = { readonly called: number; readonly acknowledged: number };

/** Commits numbers one after the other until the store fails. */
async function commitUntilCut(open: () => Promise<Store>, start: number, atOnce: number): Promise<Called> {
  let called = start;
  let acknowledged = start;
  const store = await open().catch(() => undefined);
  if (store === undefined) return { called, acknowledged };
  for (let working = true; working; ) {
    const group = Array.from({ length: atOnce }, () => {
      called += 1;
      return store.commit(numbered(called));
    });
    for (const answer of await Promise.allSettled(group)) {
      if (answer.status === "fulfilled" && answer.value.ok) acknowledged += 1;
      else working = false;
    }
  }
  await store.close();
  return { called, acknowledged };
}

function numbered(number: number): readonly StoreWrite[] {
  const value = `${number} ${"x".repeat(100)}`;
  return [
    { kind: "put", key: "left", value, expiresAt: null, ifVersion: number - 1 },
    { kind: "event", payload: value },
    { kind: "put", key: "right", value, expiresAt: null, ifVersion: number - 1 },
  ];
}

/** The number of the newest commit found, whose every part must agree. */
async function lastWholeCommit(store: Store): Promise<number> {
  const left = await store.get("left");
  const number = left?.version ?? 0;
  if (number > 0) expect(left?.value.startsWith(`${number} `)).toBe(true);
  expect(await store.get("right")).toEqual(left);
  expect(await store.lastEventNumber()).toBe(number);
  const events = await store.eventsAfter(Math.max(0, number - 3));
  expect(events.map(({ payload }) => Number.parseInt(payload, 10))).toEqual(
    events.map((event) => event.number),
  );
  return number;
}
