// Figures as people read them. Pure.
import type { Row } from "./rows.ts";

/** Three significant digits, and not more than the figure has. */
export function figure(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value < 1 ? 3 : 2);
}

/** With its unit; a ratio has none. */
export function measured(value: number, unit: Row["unit"]): string {
  return unit === "ratio" ? figure(value) : `${figure(value)} ${unit}`;
}

/** An upper limit. Ratios below a half are said as parts, as goals say them: `≤ 1/6`. */
export function limit(value: number | null, unit: Row["unit"]): string {
  if (value === null) return "–";
  if (unit === "ratio" && value < 0.4) return `≤ 1/${Number((1 / value).toFixed(1))}`;
  return unit === "ratio" ? `≤ ${value}` : `≤ ${value} ${unit}`;
}
