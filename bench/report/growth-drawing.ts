// docs/bench.svg: what an operation costs while work grows, a panel for each kind, both axes logarithmic. Readable in
// light and dark. Pure.
import { type Summary, summaryOf } from "./figures.ts";
import type { Panel } from "./findings.ts";
import { figure } from "./words.ts";

const PANEL = { width: 300, height: 240 };
const PLOT = { left: 48, right: 28, top: 40, bottom: 64 };
/** Of our own curve, and of the one beside it. */
const CLASSES = ["ours", "bare"];

const STYLE = `
    svg { --ink: #1f2430; --faint: #c9ced8; --ours: #0b6bcb; --bare: #8a6d1f; }
    @media (prefers-color-scheme: dark) { svg { --ink: #e6e8ee; --faint: #454b58; --ours: #6db3ff; --bare: #d9b65a; } }
    text { font: 11px system-ui, sans-serif; fill: var(--ink); }
    .title { font-size: 13px; font-weight: 600; }
    .axis { stroke: var(--faint); fill: none; }
    .ours { stroke: var(--ours); } .bare { stroke: var(--bare); stroke-dasharray: 4 3; }
    polyline, .spread { fill: none; stroke-width: 2; }
    circle { stroke: none; } circle.ours { fill: var(--ours); } circle.bare { fill: var(--bare); }
    text.ours { fill: var(--ours); stroke: none; } text.bare { fill: var(--bare); stroke: none; }
  `;

export function growthDrawing(panels: readonly Panel[]): string {
  const width = PANEL.width * panels.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" role="img" aria-label="Cost while work grows">
  <style>${STYLE}</style>
${panels.map((panel, index) => drawPanel(panel, index * PANEL.width)).join("\n")}
</svg>
`;
}

type Scale = (value: number) => number;

function drawPanel({ title, unit, along, curves }: Panel, x: number): string {
  const points = curves.flatMap((curve) => curve.points);
  const sizes = [...new Set(points.map(({ size }) => size))].sort((one, other) => one - other);
  const costs = points.flatMap(({ rounds }) => [summaryOf(rounds).min, summaryOf(rounds).max]);
  // Half and double what was found: a flat curve looks flat, and not like a magnified noise.
  const bottom = Math.min(...costs) / 2;
  const top = Math.max(...costs) * 2;
  const across = logarithmic(sizes[0] ?? 1, sizes.at(-1) ?? 1, PLOT.left, PANEL.width - PLOT.right);
  const up = logarithmic(bottom, top, PANEL.height - PLOT.bottom, PLOT.top);
  const floor = PANEL.height - PLOT.bottom;
  return `  <g transform="translate(${x} 0)">
    <text class="title" x="${PLOT.left}" y="20">${escapeText(title)}</text>
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${floor}H${PANEL.width - PLOT.right}"/>
    ${sizes.map((size) => label(across(size), floor + 16, size.toLocaleString("en"), "middle")).join("\n    ")}
    ${label((PLOT.left + PANEL.width - PLOT.right) / 2, floor + 32, along, "middle")}
    ${label(PLOT.left - 6, up(top) + 4, figure(top), "end")}
    ${label(PLOT.left - 6, up(bottom) + 4, figure(bottom), "end")}
    ${label(PLOT.left - 6, (up(top) + up(bottom)) / 2, unit, "end")}
    ${curves.map((curve, index) => drawCurve(curve, CLASSES[index] ?? "bare", index, across, up)).join("\n    ")}
  </g>`;
}

function drawCurve(
  { peer, points }: Panel["curves"][number],
  kind: string,
  index: number,
  across: Scale,
  up: Scale,
): string {
  const placed = points.map(({ size, rounds }) => ({ x: across(size), ...summaryOf(rounds) }));
  const line = placed.map(({ x, median }) => `${x.toFixed(1)},${up(median).toFixed(1)}`).join(" ");
  const marks = placed.map((point) => drawMark(point, kind, up));
  const legend = PLOT.left + index * 92;
  return `<polyline class="${kind}" points="${line}"/>
    ${marks.join("\n    ")}
    <text class="${kind}" x="${legend}" y="${PANEL.height - 10}">${escapeText(peer)}</text>`;
}

/** The median, and from the least to the most of all rounds. */
function drawMark(
  { x, median, min, max }: Summary & { readonly x: number },
  kind: string,
  up: Scale,
): string {
  const [low, high] = [up(min).toFixed(1), up(max).toFixed(1)];
  return `<path class="spread ${kind}" d="M${x.toFixed(1)} ${low}V${high}"/><circle class="${kind}" cx="${x.toFixed(1)}" cy="${up(median).toFixed(1)}" r="3"><title>${figure(median)}</title></circle>`;
}

function label(x: number, y: number, text: string, anchor: "middle" | "end"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeText(text)}</text>`;
}

function logarithmic(from: number, to: number, start: number, end: number): Scale {
  const span = Math.log(to / from) || 1;
  return (value) => start + (Math.log(value / from) / span) * (end - start);
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
