import { describe, expect, it } from "vitest";
import { figure, limit, measured } from "../../bench/report/words.ts";

describe("a figure in words", () => {
  it.each([
    [0.06251, "0.063"],
    [1.204, "1.20"],
    [21.55, "21.6"],
    [766.2, "766"],
  ])("%d has three significant digits at most", (value, words) => {
    expect(figure(value)).toBe(words);
  });

  it("has its unit, unless it is a ratio", () => {
    expect([measured(1.5, "ratio"), measured(1.5, "µs")]).toEqual(["1.50", "1.50 µs"]);
  });
});

describe("a goal in words", () => {
  it.each([
    [1 / 6, "ratio", "≤ 1/6"],
    [1 / 7.5, "ratio", "≤ 1/7.5"],
    [0.45, "ratio", "≤ 0.45"],
    [1.2, "ratio", "≤ 1.2"],
    [250, "ms", "≤ 250 ms"],
    [null, "ms", "–"],
  ] as const)("%d %s is %s", (value, unit, words) => {
    expect(limit(value, unit)).toBe(words);
  });
});
