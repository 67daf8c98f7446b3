// What `npm run bench -- …` understands. Pure.
import { parseArgs } from "node:util";

export const KINDS = [
  "http",
  "websocket",
  "upgrade",
  "latency",
  "memory",
  "lookup",
  "close",
  "storm",
  "growth",
] as const;
export type Kind = (typeof KINDS)[number];

export type Options = {
  readonly quick: boolean;
  /** File to write the rows to; left out: none. */
  readonly json: string | undefined;
  /** What to measure, in the order of {@link KINDS}. */
  readonly kinds: readonly Kind[];
};

export const USAGE = `npm run bench -- [--quick] [--json <file>] [--only <kind>]…

  --quick         three short rounds, in about two minutes; writes no page
  --json <file>   writes the rows to this file too
  --only <kind>   ${KINDS.join(", ")}; may be given several times

A whole run writes docs/performance.md and docs/bench.svg.
`;

/** @throws on an option that there is not */
export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
    },
  });
  const unknown = values.only.filter((kind) => !(KINDS as readonly string[]).includes(kind));
  if (unknown.length > 0) throw new Error(`--only knows ${KINDS.join(", ")}, not ${unknown.join(", ")}`);
  const kinds = values.only.length === 0 ? KINDS : KINDS.filter((kind) => values.only.includes(kind));
  return { quick: values.quick, json: values.json, kinds };
}
