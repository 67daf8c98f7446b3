// Time of the identify stage for people whose session was verified a moment ago.
import { runStage } from "../stages/run-stage.ts";
import type { Measure } from "./measure.ts";

export const measureSessionLookup: Measure = async ({ lab, plan, progress }) => {
  progress("verified-session look-up");
  const rounds = await runStage<readonly number[]>(lab, "identify", lab.newFolder(), plan.rounds);
  return { outcomes: { lookup: { rounds } }, tables: [], panels: [] };
};
