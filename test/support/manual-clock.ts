// A clock that stands still until a test moves it.
import type { Clock } from "../../core/clock.ts";

export type ManualClock = Clock & {
  /** Moves both clocks forward, calling what falls due on the way, in order of time. */
  advance(ms: number): void;
  /** How many calls are still to come: what is over must leave none. */
  pending(): number;
};

/** @param startMs wall clock at the start, milliseconds since 1970 */
export function createManualClock(startMs: number): ManualClock {
  let elapsed = 0;
  const waiting = new Set<{ readonly at: number; readonly action: () => void }>();

  function nextDue(until: number) {
    const due = [...waiting].filter((timer) => timer.at <= until);
    return due.sort((one, other) => one.at - other.at)[0];
  }

  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    after(delayMs, action) {
      const timer = { at: elapsed + delayMs, action };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
    pending: () => waiting.size,
    advance(ms) {
      const until = elapsed + ms;
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        waiting.delete(timer);
        elapsed = Math.max(elapsed, timer.at);
        timer.action();
      }
      elapsed = until;
    },
  };
}
