import { describe, expect, it } from "vitest";
import { drain } from "../../core/drain.ts";
import { createManualClock } from "../support/manual-clock.ts";

/** Ends what a test opens, by a clock that the test moves. */
function start(open: number, withinMs: number, { random = 0, busy = (): boolean => false } = {}) {
  const clock = createManualClock(0);
  let left = open;
  const hints: number[] = [];
  const endedAt: number[] = [];
  const state = { done: false };
  const done = drain({
    withinMs,
    clock,
    random: () => random,
    open: () => left,
    end(count, comeBackInSeconds) {
      for (let index = 0; index < count; index += 1) {
        left -= 1;
        endedAt.push(clock.monotonic());
        hints.push(comeBackInSeconds());
      }
    },
    busy,
  }).then(() => {
    state.done = true;
  });
  const run = (ms: number) => {
    for (let step = 0; step < ms; step += 50) clock.advance(50);
  };
  const join = (count: number) => {
    left += count;
  };
  return { clock, run, done, state, endedAt, hints, left: () => left, join };
}

/** How many were ended in each of these spans. */
function spread(endedAt: readonly number[], spanMs: number, untilMs: number): number[] {
  return Array.from({ length: untilMs / spanMs }, (_, span) => {
    return endedAt.filter((at) => at >= span * spanMs && at < (span + 1) * spanMs).length;
  });
}

describe("a drain", () => {
  it("is spread evenly over its time, and over with the last", async () => {
    const { run, done, endedAt, left, clock } = start(10_000, 20_000);
    run(20_000);
    await done;
    expect(spread(endedAt, 5_000, 20_000)).toEqual([2_500, 2_500, 2_500, 2_500]);
    expect([left(), clock.pending()]).toEqual([0, 0]);
  });

  it("of a few takes no longer than they need", async () => {
    const { run, done, endedAt } = start(5, 20_000);
    run(500);
    await done;
    expect(endedAt).toEqual([0, 100, 200, 300, 400]);
  });

  it("of nothing is over at once", async () => {
    await start(0, 20_000).done;
  });

  it("without any time ends everything at once", async () => {
    const { done, endedAt, hints } = start(3, 0, { busy: () => true });
    await done;
    expect([endedAt, hints]).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  it("tells the first to wait until the last is gone, and nobody to come back at once", async () => {
    const { run, done, hints } = start(200, 20_000);
    run(20_000);
    await done;
    expect([hints[0], hints[100], hints.at(-1)]).toEqual([21, 11, 2]);
  });

  it("spreads those who come back over half its time", async () => {
    const hintsFor = async (random: number) => {
      const { run, done, hints } = start(200, 20_000, { random });
      run(20_000);
      await done;
      return hints[0];
    };
    expect([await hintsFor(0), await hintsFor(0.5), await hintsFor(0.999)]).toEqual([21, 26, 31]);
  });

  it("waits for what else is under way, up to its time", async () => {
    let busy = true;
    const first = start(1, 20_000, { busy: () => busy });
    first.run(10_000);
    await Promise.resolve();
    expect([first.left(), first.state.done]).toEqual([0, false]);
    busy = false;
    first.run(100);
    await first.done;
    const second = start(1, 20_000, { busy: () => true });
    second.run(20_000);
    await second.done;
  });

  it("ends also what opens meanwhile", async () => {
    const { run, done, left, join } = start(100, 20_000);
    run(5_000);
    join(7);
    run(15_000);
    await done;
    expect(left()).toBe(0);
  });
});
