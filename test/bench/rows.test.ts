import { describe, expect, it } from "vitest";
import { GOALS } from "../../bench/report/goals.ts";
import { rowOf, rowsOf, verdictOf } from "../../bench/report/rows.ts";

const goal = {
  measure: "a measure",
  unit: "ratio",
  against: "a peer",
  goal: 1.2,
  stretch: 1,
} as const;

describe("a row", () => {
  it("has the median of its rounds, their range and number, and whether the goal is met", () => {
    expect(rowOf(goal, { rounds: [1.3, 1.1, 1.15], note: "said" })).toEqual({
      ...goal,
      value: 1.15,
      min: 1.1,
      max: 1.3,
      met: true,
      rounds: 3,
      note: "said",
    });
  });

  it("that was not measured has no value, is not met, and says why", () => {
    expect(rowOf(goal, { missing: "nginx is not installed" })).toEqual({
      ...goal,
      value: null,
      min: null,
      max: null,
      met: null,
      rounds: 0,
      note: "nginx is not installed",
    });
  });

  it.each([
    [1, "stretch met"],
    [1.001, "met"],
    [1.2, "met"],
    [1.201, "not met"],
  ])("at %d is %s", (value, verdict) => {
    expect(verdictOf(rowOf(goal, { rounds: [value] }))).toBe(verdict);
  });

  it("without a stretch goal is met or not", () => {
    expect(verdictOf(rowOf({ ...goal, stretch: null }, { rounds: [0.1] }))).toBe("met");
  });

  it("without a goal is neither met nor not", () => {
    const row = rowOf({ ...goal, goal: null, stretch: null }, { rounds: [7] });
    expect([row.met, verdictOf(row)]).toEqual([null, "no goal"]);
  });

  it("that was not measured has no verdict", () => {
    expect(verdictOf(rowOf(goal, { missing: "not built yet" }))).toBe("not measured");
  });
});

describe("the rows of a run", () => {
  it("are those that were to be measured, in the order of the goals", () => {
    const outcomes = new Map([
      ["upgrade", { missing: "no" }],
      ["httpUndici", { rounds: [1] }],
    ] as const);
    expect(rowsOf(outcomes).map(({ measure }) => measure)).toEqual([
      GOALS.httpUndici.measure,
      GOALS.upgrade.measure,
    ]);
  });
});

describe("the goals", () => {
  it("have no stretch that is easier than the goal", () => {
    const limits: readonly (typeof goal | { goal: number | null; stretch: number | null })[] =
      Object.values(GOALS);
    const easier = limits.filter((one) => one.stretch !== null && !(one.stretch < (one.goal ?? 0)));
    expect(easier).toEqual([]);
  });
});
