// What every measurement gets, and hands back.
import type { Lab } from "../lab.ts";
import type { Plan } from "../plan.ts";
import type { Findings } from "../report/findings.ts";

export type Measuring = {
  readonly lab: Lab;
  readonly plan: Plan;
  /** Tells whoever waits what is being done. */
  readonly progress: (what: string) => void;
};

export type Measure = (measuring: Measuring) => Promise<Findings>;
