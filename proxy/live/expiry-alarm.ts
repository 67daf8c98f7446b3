// One timer for whatever expires next, however many there are: a timer for each request would cost more than looking
// at all of them each time that it rings.
import type { Clock } from "../../core/clock.ts";

export type ExpiryAlarm = {
  /** There is something now that expires at this time, in milliseconds since 1970. */
  watch(expiresAt: number): void;
};

// Node's timers hold 2^31-1 ms at most and fire at once beyond that.
const LONGEST_TIMER_MS = 2_147_483_647;

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
