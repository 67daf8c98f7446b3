// docs/performance.md: the rows, what each peer costs, and what it was measured on. Pure.
import type { Machine } from "../machine/description.ts";
import { type Rounds, summaryOf } from "./figures.ts";
import type { PeerTable } from "./findings.ts";
import { type Row, verdictOf } from "./rows.ts";
import { figure, limit, measured } from "./words.ts";

export type Report = {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly tables: readonly PeerTable[];
};

export function pageOf({ machine, rows, tables }: Report): string {
  const notes = rows.flatMap(({ measure, note, value }) =>
    note === null || value === null ? [] : [`- ${measure}: ${note}.`],
  );
  return `# What the front door costs

Written by \`npm run bench\` on Node ${machine.node}, ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel};
${machine.pinned ? "load and backend on one core, what is measured on another" : "nothing pinned to a core: figures vary more"}.

Each row is measured with everything on: session verified, policy applied, assertion made, headers rebuilt, audit
written, connections tracked. A ratio is against a row of the same run, round by round; the machine's own speed is in
neither. How it is measured, what each peer is, and what noise to expect: [bench/README.md](../bench/README.md).

| measure | against, in the same run | median | min – max | goal | stretch | |
|---|---|---|---|---|---|---|
${rows.map(lineOf).join("\n")}

${notes.join("\n")}

## While work grows

![Cost of one request, message and decision, while connections and rules grow](bench.svg)

${tables.map(tableOf).join("\n\n")}
`;
}

function lineOf(row: Row): string {
  const { measure, against, value, min, max, goal, stretch, unit, note } = row;
  const known = value !== null && min !== null && max !== null;
  const cells = [
    measure,
    against ?? "–",
    known ? `**${measured(value, unit)}**` : "–",
    known ? `${figure(min)} – ${figure(max)}` : "–",
    limit(goal, unit),
    limit(stretch, unit),
    known ? verdictOf(row) : `not measured: ${note}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function tableOf({ title, lines }: PeerTable): string {
  const rows = lines.map(({ peer, cpuMicros, ofDirect }) => {
    const rate = figure(summaryOf(ofDirect).median);
    return `| ${peer} | ${cpuMicros.length === 0 ? "–" : spread(cpuMicros)} | ${rate} |`;
  });
  return `## ${title}

Absolute figures hold for this machine on this day.

| peer | CPU µs each (min – max) | rate, of direct |
|---|---|---|
${rows.join("\n")}`;
}

function spread(rounds: Rounds): string {
  const { median, min, max } = summaryOf(rounds);
  return `${figure(median)} (${figure(min)} – ${figure(max)})`;
}
