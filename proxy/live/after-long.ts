// A timer for as long as a session may live.
import type { Clock } from "../../core/clock.ts";

// Node's timers hold 2^31-1 ms at most and fire at once beyond that.
const LONGEST_TIMER_MS = 2_147_483_647;

/** As `clock.after`, for any time. */
export function afterLong(clock: Clock, delayMs: number, action: () => void): () => void {
  let cancel = () => {};
  const arm = (left: number) => {
    cancel =
      left <= LONGEST_TIMER_MS
        ? clock.after(left, action)
        : clock.after(LONGEST_TIMER_MS, () => arm(left - LONGEST_TIMER_MS));
  };
  arm(delayMs);
  return () => cancel();
}
