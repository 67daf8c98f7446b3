// Notices that the process is late with everything: then taking on more would make it late for all, and for what ends
// access too. A timer that comes late tells so; a request costs one look at a flag.
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

export type LoopDelay = {
  /** Whether the event loop was held up for longer than the limit within the last second. */
  isTooLong(): boolean;
  stop(): void;
};

const STEP_MS = 100;
/** So long it has to be in time: one that is late again and again must not open in between. */
const IN_TIME_FOR_MS = 1_000;

export function watchLoopDelay(limitMs: number, { clock, log }: { clock: Clock; log: Log }): LoopDelay {
  let isTooLong = false;
  let tooLongAt = 0;
  let dueAt = 0;
  let cancelStep = () => {};

  function nextStep() {
    dueAt = clock.monotonic() + STEP_MS;
    cancelStep = clock.after(STEP_MS, step);
  }

  function step() {
    const now = clock.monotonic();
    const delayMs = now - dueAt;
    if (delayMs > limitMs) {
      tooLongAt = now;
      if (!isTooLong)
        log.warn({ delayMs: Math.round(delayMs), limitMs }, "late with everything: new work is answered 503");
      isTooLong = true;
    } else if (isTooLong && now - tooLongAt >= IN_TIME_FOR_MS) {
      log.info("in time again");
      isTooLong = false;
    }
    nextStep();
  }

  nextStep();
  return { isTooLong: () => isTooLong, stop: () => cancelStep() };
}
