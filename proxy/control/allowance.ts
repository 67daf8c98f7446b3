// How much of something a gateway may cost: so much at once, and so much in a second. What is past it is owed, and
// paid off by time.
import type { Clock } from "../../core/clock.ts";

export type Allowance = {
  /** @param cost may be more than there is left */
  spend(cost: number): void;
  /** Until nothing is owed any more; 0 while there is some left. */
  owedMs(): number;
};

export type AllowanceSize = { readonly atOnce: number; readonly perSecond: number };

export function createAllowance({ atOnce, perSecond }: AllowanceSize, clock: Clock): Allowance {
  let left = atOnce;
  let at = clock.monotonic();

  function refill() {
    const now = clock.monotonic();
    left = Math.min(atOnce, left + ((now - at) / 1000) * perSecond);
    at = now;
  }

  return {
    spend(cost) {
      refill();
      left -= cost;
    },
    owedMs() {
      refill();
      return left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1000);
    },
  };
}
