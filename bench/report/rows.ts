// Outcomes held against the goals: the rows that every run prints. Pure.
import { summaryOf } from "./figures.ts";
import type { Outcome } from "./findings.ts";
import { GOALS, type Goal, type GoalId } from "./goals.ts";

/** One row, as `--json` writes it. `value` is the median of the rounds; null: not measured, and `note` says why. */
export type Row = Goal & {
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Whether the goal is reached; null when there is no goal, or nothing was measured. */
  readonly met: boolean | null;
  readonly rounds: number;
  readonly note: string | null;
};

/** @param outcomes of the rows that were to be measured: others have no row */
export function rowsOf(outcomes: ReadonlyMap<GoalId, Outcome>): readonly Row[] {
  const ids = Object.keys(GOALS) as GoalId[];
  return ids.flatMap((id) => {
    const outcome = outcomes.get(id);
    return outcome === undefined ? [] : [rowOf(GOALS[id], outcome)];
  });
}

export function rowOf(goal: Goal, outcome: Outcome): Row {
  if ("missing" in outcome) {
    return { ...goal, value: null, min: null, max: null, met: null, rounds: 0, note: outcome.missing };
  }
  const { median, min, max } = summaryOf(outcome.rounds);
  return {
    ...goal,
    value: median,
    min,
    max,
    met: goal.goal === null ? null : median <= goal.goal,
    rounds: outcome.rounds.length,
    note: outcome.note ?? null,
  };
}

export type Verdict = "stretch met" | "met" | "not met" | "no goal" | "not measured";

export function verdictOf({ value, goal, stretch, met }: Row): Verdict {
  if (value === null) return "not measured";
  if (goal === null || met === null) return "no goal";
  if (stretch !== null && value <= stretch) return "stretch met";
  return met ? "met" : "not met";
}
