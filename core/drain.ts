// Ends what is open without ending it all at once: spread over a time, each with a hint when to come back, so that not
// everybody is back in the same second. Used by whatever process stops.
import type { Clock } from "./clock.ts";

export type DrainParts = {
  readonly withinMs: number;
  readonly clock: Clock;
  /** At least 0, less than 1. */
  readonly random: () => number;
  /** How many connections may be ended now. */
  readonly open: () => number;
  /** Ends so many of them; each asks for its own hint. */
  readonly end: (count: number, comeBackInSeconds: () => number) => void;
  /** Whether something else is worth waiting for. */
  readonly busy: () => boolean;
};

const STEP_MS = 100;

/** Resolves when nothing is left, at the latest when the time is over; what is left then is the caller's to end. */
export function drain({ withinMs, clock, random, open, end, busy }: DrainParts): Promise<void> {
  const begun = clock.monotonic();
  // A few are not stretched over the whole time: somebody waits for the process to end.
  const spreadMs = Math.min(withinMs, open() * STEP_MS);

  // Not before this process can be gone, and then over half the time that it took.
  function comeBackInSeconds(): number {
    const left = Math.max(0, begun + spreadMs - clock.monotonic());
    return Math.ceil((left + (random() * spreadMs) / 2) / 1000) + 1;
  }

  return new Promise((resolve) => {
    function step() {
      const elapsed = clock.monotonic() - begun;
      const steps = Math.max(1, Math.ceil((spreadMs - elapsed) / STEP_MS));
      end(Math.ceil(open() / steps), comeBackInSeconds);
      const isOver = elapsed >= withinMs || (open() === 0 && !busy());
      if (isOver) resolve();
      else clock.after(Math.min(STEP_MS, withinMs - elapsed), step);
    }
    step();
  });
}
