// Timers that move only when a test says so.
import type { After } from "../../web/client/ask-door.ts";

export type ManualTimers = {
  readonly after: After;
  /** Lets `ms` pass, timer by timer, and everything that each of them sets off. */
  advance(ms: number): Promise<void>;
};

export function createManualTimers(): ManualTimers {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  return {
    after(delayMs, action) {
      const timer = { at: now + delayMs, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await settled();
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.at;
        due.action();
        await settled();
      }
      now = until;
    },
  };
}

/** Runs the promises that are ready, and those that they make ready. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
}
