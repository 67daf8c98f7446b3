import { beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../../../core/clock.ts";
import { createLeases, type Leases } from "../../../gateway/control/leases.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

let manual: ManualClock;
let timers: number;
let leases: Leases<string>;
let expired: string[];

beforeEach(() => {
  manual = createManualClock(0);
  timers = 0;
  expired = [];
  const clock: Clock = {
    ...manual,
    after(delayMs, action) {
      timers += 1;
      return manual.after(delayMs, action);
    },
  };
  leases = createLeases<string>(clock, (holder) => expired.push(`${holder} at ${manual.monotonic()}`));
});

describe("leases", () => {
  test("run out at their end, each once, in whatever order they were started", () => {
    leases.start("late", 300);
    leases.start("early", 100);
    leases.start("middle", 200);
    manual.advance(1_000);
    expect(expired).toEqual(["early at 100", "middle at 200", "late at 300"]);
  });

  test("that are extended run out at the new end, and are never shortened", () => {
    leases.start("a", 100);
    leases.start("b", 100);
    leases.extend("a", 250);
    leases.extend("b", 50);
    // Looks at all of them at its end.
    leases.start("c", 60);
    manual.advance(500);
    expect(expired).toEqual(["c at 60", "b at 100", "a at 250"]);
  });

  test("that were stopped or have run out are not extended into being again", () => {
    leases.start("a", 100);
    leases.start("b", 100);
    leases.stop("a");
    manual.advance(100);
    leases.extend("a", 500);
    leases.extend("b", 500);
    leases.start("c", 600);
    manual.advance(1_000);
    expect(expired).toEqual(["b at 100", "c at 600"]);
  });

  test("run out when they are started with an end that has passed", () => {
    manual.advance(100);
    leases.start("a", 50);
    manual.advance(0);
    expect(expired).toEqual(["a at 100"]);
  });

  test("of ten thousand need no timer each", () => {
    for (let holder = 0; holder < 10_000; holder += 1) leases.start(`${holder}`, 60_000);
    for (let round = 1; round <= 10; round += 1) {
      manual.advance(20_000);
      for (let holder = 0; holder < 10_000; holder += 1)
        leases.extend(`${holder}`, manual.monotonic() + 60_000);
    }
    expect(expired).toEqual([]);
    expect(timers).toBeLessThan(20);
    manual.advance(60_000);
    expect(expired.length).toBe(10_000);
    expect(new Set(expired).size).toBe(10_000);
  });
});
