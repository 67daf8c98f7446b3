import { describe, expect, it } from "vitest";
import { ratiosOf, summaryOf } from "../../bench/report/figures.ts";

describe("figures of several rounds", () => {
  it("have a median, which is the middle one, and their least and most", () => {
    expect(summaryOf([5, 1, 9, 3, 100])).toEqual({ median: 5, min: 1, max: 100 });
  });

  it("have the mean of the two middle ones as median when their number is even", () => {
    expect(summaryOf([4, 1, 2, 50])).toEqual({ median: 3, min: 1, max: 50 });
  });

  it("are compared round by round", () => {
    expect(ratiosOf([10, 40, 9], [5, 10, 3])).toEqual([2, 4, 3]);
  });
});
