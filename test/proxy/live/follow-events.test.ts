import { describe, expect, it } from "vitest";
import type { Log } from "../../../core/log.ts";
import type { Store } from "../../../core/store.ts";
import { type AccessEvent, formatAccessEvent } from "../../../proxy/live/access-event.ts";
import { followEvents } from "../../../proxy/live/follow-events.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore } from "../../support/memory-store.ts";
import { NOW } from "../../support/provider-fixture.ts";

const EVENT: AccessEvent = { kind: "group_ended", group: "engineering" };
const WRITE = { kind: "event", payload: formatAccessEvent(EVENT) } as const;

async function follow(around: (store: Store) => Store = (store) => store) {
  const store = createMemoryStore(createManualClock(NOW));
  const seen: string[] = [];
  const logged: unknown[] = [];
  const log = { error: (facts: unknown) => void logged.push(facts) } as unknown as Log;
  const follower = {
    apply: (event: AccessEvent, number: number) => void seen.push(`${number} ${event.kind}`),
    applyUnknown: (number: number) => void seen.push(`${number} unknown`),
  };
  const start = () => followEvents(around(store), follower, log);
  return { store, seen, logged, start };
}

describe("following the event log", () => {
  it("begins at the newest event: what was before concerns nobody who is here", async () => {
    const { store, seen, start } = await follow();
    await store.commit([WRITE, WRITE]);
    const events = await start();
    expect([events.applied(), seen]).toEqual([2, []]);
  });

  it("applies each event in order, and then counts it as applied", async () => {
    const { store, seen, start } = await follow();
    const events = await start();
    await store.commit([WRITE]);
    await store.commit([WRITE, WRITE]);
    expect([events.applied(), seen]).toEqual([3, ["1 group_ended", "2 group_ended", "3 group_ended"]]);
  });

  it("lets an event that it does not know end everything", async () => {
    const { store, seen, logged, start } = await follow();
    const events = await start();
    await store.commit([{ kind: "event", payload: '{"v":2,"kind":"moon_phase"}' }]);
    expect([events.applied(), seen, logged]).toEqual([1, ["1 unknown"], [{ number: 1 }]]);
  });

  it("lets an event that cannot be applied end everything, and applies the next one", async () => {
    const store = createMemoryStore(createManualClock(NOW));
    const seen: string[] = [];
    const logged: object[] = [];
    const follower = {
      apply(_event: AccessEvent, number: number) {
        if (number === 1) throw new Error("half done");
        seen.push(`${number} applied`);
      },
      applyUnknown: (number: number) => void seen.push(`${number} everything`),
    };
    const log = { error: (facts: object) => void logged.push(facts) } as unknown as Log;
    const events = await followEvents(store, follower, log);
    await store.commit([WRITE, WRITE]);
    expect([events.applied(), seen]).toEqual([2, ["1 everything", "2 applied"]]);
    expect(logged).toEqual([{ number: 1, err: new Error("half done") }]);
  });

  it("misses no event that comes while it starts, and does not count back behind it", async () => {
    const { seen, start } = await follow((store) => ({
      ...store,
      async lastEventNumber() {
        const number = await store.lastEventNumber();
        await store.commit([WRITE]);
        return number;
      },
    }));
    const events = await start();
    expect([events.applied(), seen]).toEqual([1, ["1 group_ended"]]);
  });

  it("hears nothing after it was stopped", async () => {
    const { store, seen, start } = await follow();
    const events = await start();
    events.stop();
    await store.commit([WRITE]);
    expect([events.applied(), seen]).toEqual([0, []]);
  });
});
