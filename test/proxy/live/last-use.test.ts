import { expect, it } from "vitest";
import type { Store } from "../../../core/store.ts";
import { createLastUse } from "../../../proxy/live/last-use.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore } from "../../support/memory-store.ts";

const START = Date.UTC(2026, 10, 21);
const DAY = 86_400_000;
const { userId: alice } = verifiedAlice();
const coder = agentId("coder");

function lastUse() {
  const clock = createManualClock(START);
  const memory = createMemoryStore(clock);
  let commits = 0;
  const store: Store = {
    ...memory,
    commit(writes) {
      commits += 1;
      return memory.commit(writes);
    },
  };
  return { clock, memory, commits: () => commits, uses: createLastUse({ store, clock }) };
}

it("knows when somebody last used an agent, and nothing of others", async () => {
  const { uses } = lastUse();
  uses.note(alice, coder);
  expect(await uses.of(alice, coder)).toBe(START);
  expect(await uses.of(alice, agentId("analyst"))).toBeUndefined();
});

it("writes at most once a minute, however often somebody connects", async () => {
  const { clock, commits, uses } = lastUse();
  for (let times = 0; times < 1_000; times += 1) uses.note(alice, coder);
  clock.advance(59_999);
  uses.note(alice, coder);
  expect([commits(), await uses.of(alice, coder)]).toEqual([1, START]);
  clock.advance(1);
  uses.note(alice, coder);
  expect([commits(), await uses.of(alice, coder)]).toEqual([2, START + 60_000]);
});

it("forgets what has not been used for 90 days", async () => {
  const { clock, uses } = lastUse();
  uses.note(alice, coder);
  clock.advance(90 * DAY - 1);
  expect(await uses.of(alice, coder)).toBe(START);
  clock.advance(1);
  expect(await uses.of(alice, coder)).toBeUndefined();
});

it("refuses nobody because a use could not be noted", async () => {
  const { memory, uses } = lastUse();
  memory.fail();
  expect(() => uses.note(alice, coder)).not.toThrow();
});

it("notes again what could not be written", async () => {
  const clock = createManualClock(START);
  const memory = createMemoryStore(clock);
  let failing = true;
  const store: Store = {
    ...memory,
    commit: async (writes) => (failing ? Promise.reject(new Error("full")) : memory.commit(writes)),
  };
  const uses = createLastUse({ store, clock });
  uses.note(alice, coder);
  await new Promise(setImmediate);
  failing = false;
  uses.note(alice, coder);
  expect(await uses.of(alice, coder)).toBe(START);
});
