// One timer for whatever expires next, however many there are: a timer for each request would cost more than looking
// at all of them each time that it rings.
import type { Clock } from "../../core/clock.ts";

export type ExpiryAlarm = {
  /** There is something now that expires at this time, in milliseconds since 1970. */
  watch(expiresAt: number): void;
};

// A timer knows nothing of the wall clock: when that is set forward, or the machine has slept, what expires by it is
// noticed so much later at most.
const LONGEST_TIMER_MS = 60_000;

/** @param ring ends what has expired by `now` and says when the next of the rest does, or `Infinity` */
export function createExpiryAlarm(clock: Clock, ring: (now: number) => number): ExpiryAlarm {
  let next = Number.POSITIVE_INFINITY;
  let cancel = () => {};

  function arm(at: number) {
    cancel();
    next = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const left = Math.max(1, at - clock.now());
    cancel = clock.after(Math.min(left, LONGEST_TIMER_MS), () => arm(ring(clock.now())));
  }

  return {
    watch(expiresAt) {
      if (expiresAt < next) arm(expiresAt);
    },
  };
}
