// `npm run bench`: what the front door costs, held against its goals, each ratio against a row of the same run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../cli/package-root.ts";
import { connectionsWith } from "./door/configuration.ts";
import { openLab } from "./lab.ts";
import { moveTo, pinnableCores } from "./machine/cores.ts";
import { describeMachine } from "./machine/description.ts";
import { descriptorLimit } from "./machine/process-cost.ts";
import { measureGrowth } from "./measures/growth.ts";
import { measureHttp } from "./measures/http.ts";
import { measureLatency } from "./measures/latency.ts";
import { measureLiveClose } from "./measures/live-close.ts";
import type { Measure } from "./measures/measure.ts";
import { measureMemory } from "./measures/memory.ts";
import { measureReconnectStorm } from "./measures/reconnect-storm.ts";
import { measureSessionLookup } from "./measures/session-lookup.ts";
import { measureUpgrade } from "./measures/upgrade.ts";
import { measureWebSocket } from "./measures/websocket.ts";
import { KINDS, type Kind, type Options, optionsOf, USAGE } from "./options.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import type { Findings, Outcome } from "./report/findings.ts";
import type { GoalId } from "./report/goals.ts";
import { growthDrawing } from "./report/growth-drawing.ts";
import { pageOf } from "./report/page.ts";
import { rowsOf } from "./report/rows.ts";
import { terminalReport } from "./report/terminal-report.ts";

const MEASURES: Readonly<Record<Kind, Measure>> = {
  http: measureHttp,
  websocket: measureWebSocket,
  upgrade: measureUpgrade,
  latency: measureLatency,
  memory: measureMemory,
  lookup: measureSessionLookup,
  close: measureLiveClose,
  storm: measureReconnectStorm,
  growth: measureGrowth,
};

/** A measurement that does not end is a finding too: it is named, and the run fails. */
const EACH_WITHIN_MS = 15 * 60_000;

// Leaving by `exit` is what takes the processes under measurement along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

await run(readOptions());
process.exit();

function readOptions(): Options {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function run({ quick, json, kinds }: Options): Promise<void> {
  if (process.platform !== "linux") throw new Error("measures by /proc and taskset: Linux only");
  const cores = pinnableCores();
  if (cores !== undefined) moveTo(cores.load, [process.pid]);
  else progress("no taskset or one core only: nothing is pinned, and figures vary more");
  const connections = connectionsWith(descriptorLimit());
  const plan = quick ? quickPlan(connections) : fullPlan(connections);
  const lab = await openLab(cores);

  const findings: Findings[] = [];
  for (const kind of kinds) {
    findings.push(await inTime(kind, MEASURES[kind]({ lab, plan, progress })));
  }
  const outcomes = findings.flatMap((each) => Object.entries(each.outcomes) as [GoalId, Outcome][]);
  const rows = rowsOf(new Map(outcomes));
  const tables = findings.flatMap((each) => each.tables);
  process.stdout.write(terminalReport(rows, tables));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
  if (quick || kinds.length < KINDS.length) return;
  const docs = join(packageRoot(), "docs");
  writeFileSync(join(docs, "performance.md"), pageOf({ machine: describeMachine(cores), rows, tables }));
  writeFileSync(join(docs, "bench.svg"), growthDrawing(findings.flatMap(({ panels }) => panels)));
}

function progress(what: string): void {
  process.stderr.write(`${(performance.now() / 1_000).toFixed(0).padStart(4)} s  ${what}\n`);
}

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not end`)), EACH_WITHIN_MS);
    cancel = () => clearTimeout(timer);
  });
  return Promise.race([work, late]).finally(() => cancel());
}
