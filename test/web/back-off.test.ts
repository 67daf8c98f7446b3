import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backOffMs } from "../../web/client/back-off.ts";

describe("back-off", () => {
  it("doubles from half a second to half a minute", () => {
    const longest = Array.from({ length: 9 }, (_, attempt) => backOffMs(attempt, 0.999_999));
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("takes at least half of it, however the dice fall", () => {
    expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 0))).toEqual([250, 500, 1_000, 2_000]);
  });

  it("is never zero and never more than half a minute", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(1_000_000), random, (attempt, dice) => {
        const delayMs = backOffMs(attempt, dice);
        expect(delayMs).toBeGreaterThanOrEqual(250);
        expect(delayMs).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});
