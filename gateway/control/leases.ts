// Until when each connection may live without the front door's word. Counted by the monotonic clock: a wall clock set
// back must not extend anything. One timer for all of them: it wakes at the earliest end it knows of, and looks at all.
import type { Clock } from "../../core/clock.ts";

export type Leases<T> = {
  /** @param until monotonic, milliseconds */
  start(holder: T, until: number): void;
  /** Never shortens; does nothing for who has no lease. */
  extend(holder: T, until: number): void;
  stop(holder: T): void;
};

/** @param onExpired called once for each lease that runs out; it is gone by then */
export function createLeases<T>(clock: Clock, onExpired: (holder: T) => void): Leases<T> {
  const ends = new Map<T, number>();
  let wakeAt = Number.POSITIVE_INFINITY;
  let cancelWake = () => {};

  function wakeAtLatest(at: number) {
    if (at >= wakeAt) return;
    cancelWake();
    wakeAt = at;
    cancelWake = clock.after(Math.max(0, at - clock.monotonic()), wake);
  }

  function wake() {
    wakeAt = Number.POSITIVE_INFINITY;
    const now = clock.monotonic();
    const expired: T[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    for (const [holder, until] of ends) {
      if (until <= now) expired.push(holder);
      else earliest = Math.min(earliest, until);
    }
    if (earliest !== Number.POSITIVE_INFINITY) wakeAtLatest(earliest);
    for (const holder of expired) ends.delete(holder);
    for (const holder of expired) onExpired(holder);
  }

  return {
    start(holder, until) {
      ends.set(holder, until);
      wakeAtLatest(until);
    },
    extend(holder, until) {
      const before = ends.get(holder);
      if (before !== undefined && before < until) ends.set(holder, until);
    },
    stop: (holder) => void ends.delete(holder),
  };
}
