import { describe, expect, it } from "vitest";
import type { PeerTable } from "../../bench/report/findings.ts";
import { growthDrawing } from "../../bench/report/growth-drawing.ts";
import { pageOf } from "../../bench/report/page.ts";
import { rowOf } from "../../bench/report/rows.ts";
import { terminalReport } from "../../bench/report/terminal-report.ts";

const rows = [
  rowOf(
    { measure: "CPU", unit: "ratio", against: "a peer", goal: 1 / 6, stretch: 1 / 8 },
    { rounds: [0.15, 0.16, 0.14], note: "said beside" },
  ),
  rowOf(
    { measure: "memory", unit: "KiB", against: null, goal: 11, stretch: 9 },
    { missing: "not built yet" },
  ),
];

const table: PeerTable = {
  title: "requests",
  lines: [
    { peer: "direct", cpuMicros: [], ofDirect: [1, 1, 1] },
    { peer: "nginx", cpuMicros: [20, 21, 25], ofDirect: [0.7, 0.8, 0.6] },
  ],
};

describe("what a run says", () => {
  it("on the terminal is a row for each measure, notes, and what peers cost", () => {
    expect(terminalReport(rows, [table])).toBe(`\
measure  against, in the same run  median  min – max      goal      stretch
CPU      a peer                    0.150   0.140 – 0.160  ≤ 1/6     ≤ 1/8    met
memory   –                         –       –              ≤ 11 KiB  ≤ 9 KiB  not measured: not built yet

CPU: said beside

requests  CPU µs each  min – max    rate, of direct
direct    –            –            1.00
nginx     21.0         20.0 – 25.0  0.700
`);
  });

  it("on the page is the same, with the machine", () => {
    const machine = {
      node: "v24.1.0",
      processor: "a processor",
      cores: 2,
      memoryGiB: 8,
      kernel: "Linux 6",
      pinned: true,
    };
    const page = pageOf({ machine, rows, tables: [table] });
    const lines = page.split("\n").filter((line) => /v24|^\| (CPU|memory|nginx) |^- /.test(line));
    expect(lines).toEqual([
      "Written by `npm run bench` on Node v24.1.0, a processor, 2 cores, 8 GiB, Linux 6;",
      "| CPU | a peer | **0.150** | 0.140 – 0.160 | ≤ 1/6 | ≤ 1/8 | met |",
      "| memory | – | – | – | ≤ 11 KiB | ≤ 9 KiB | not measured: not built yet |",
      "- CPU: said beside.",
      "| nginx | 21.0 (20.0 – 25.0) | 0.700 |",
    ]);
  });
});

describe("the drawing of growth", () => {
  const svg = growthDrawing([
    {
      title: "a < b & c",
      unit: "µs",
      along: "connections",
      curves: [
        {
          peer: "Gatehouse",
          points: [
            { size: 100, rounds: [10, 11, 12] },
            { size: 10_000, rounds: [10, 11, 12] },
          ],
        },
      ],
    },
  ]);

  it("is level where the cost stays the same", () => {
    const heights = [...svg.matchAll(/polyline class="ours" points="\S+,(\S+) \S+,(\S+)"/g)][0]?.slice(1);
    expect(heights).toEqual([heights?.[0], heights?.[0]]);
    expect(heights?.[0]).toMatch(/^\d+\.\d$/);
  });

  it("has both looks, and text as text", () => {
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
    expect(svg).toContain(">a &lt; b &amp; c<");
  });
});
