import fc from "fast-check";
import { expect, it } from "vitest";
import { redialDelayMs } from "../../../proxy/control/redial-delay.ts";

it("waits anything from nothing to the span, which doubles from 250 ms to 10 s", () => {
  const longest = Array.from({ length: 8 }, (_, attempt) => redialDelayMs(attempt, 0.999_999));
  expect(longest).toEqual([249, 499, 999, 1_999, 3_999, 7_999, 9_999, 9_999]);
  expect(redialDelayMs(7, 0)).toBe(0);
});

it("stays a whole number of milliseconds within its bounds, whatever attempt and chance", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(1_000_000), random, (attempt, chance) => {
      const delay = redialDelayMs(attempt, chance);
      expect(Number.isInteger(delay) && delay >= 0 && delay < 10_000).toBe(true);
    }),
  );
});
