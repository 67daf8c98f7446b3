// The rows as a terminal shows them, and below them what each peer costs. Pure.
import { type Summary, summaryOf } from "./figures.ts";
import type { PeerTable } from "./findings.ts";
import { type Row, verdictOf } from "./rows.ts";
import { figure, limit, measured } from "./words.ts";

const ROWS = ["measure", "against, in the same run", "median", "min – max", "goal", "stretch", ""];
const PEERS = ["CPU µs each", "min – max", "rate, of direct"];

export function terminalReport(rows: readonly Row[], tables: readonly PeerTable[]): string {
  const notes = rows.flatMap(({ measure, note, value }) =>
    note === null || value === null ? [] : [`${measure}: ${note}`],
  );
  const parts = [aligned([ROWS, ...rows.map(cellsOf)]), notes.join("\n"), ...tables.map(peersOf)];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function cellsOf(row: Row): readonly string[] {
  const { measure, against, value, min, max, goal, stretch, unit, note } = row;
  const goals = [limit(goal, unit), limit(stretch, unit)];
  if (value === null || min === null || max === null)
    return [measure, against ?? "–", "–", "–", ...goals, `not measured: ${note}`];
  return [measure, against ?? "–", measured(value, unit), range({ min, max }), ...goals, verdictOf(row)];
}

function peersOf({ title, lines }: PeerTable): string {
  const cells = lines.map(({ peer, cpuMicros, ofDirect }) => {
    const rate = figure(summaryOf(ofDirect).median);
    if (cpuMicros.length === 0) return [peer, "–", "–", rate];
    const cpu = summaryOf(cpuMicros);
    return [peer, figure(cpu.median), range(cpu), rate];
  });
  return aligned([[title, ...PEERS], ...cells]);
}

function range({ min, max }: Pick<Summary, "min" | "max">): string {
  return `${figure(min)} – ${figure(max)}`;
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
