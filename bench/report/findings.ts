// What one kind of measurement hands back, before it is held against the goals.
import type { Rounds } from "./figures.ts";
import type { GoalId } from "./goals.ts";

export type Outcome =
  | { readonly rounds: Rounds /** What a reader must know beside the figure. */; readonly note?: string }
  | { readonly missing: string };

/** Everything that took part in one measurement: what an operation costs each peer, and how many pass in a second. */
export type PeerTable = {
  readonly title: string;
  readonly lines: readonly {
    readonly peer: string;
    /** Holds for this machine on this day. Empty for the backend, which is in nobody's way. */
    readonly cpuMicros: Rounds;
    readonly ofDirect: Rounds;
  }[];
};

/** How a figure changes while work grows: one panel of docs/bench.svg. */
export type Panel = {
  readonly title: string;
  readonly unit: string;
  readonly along: string;
  readonly curves: readonly {
    readonly peer: string;
    readonly points: readonly { readonly size: number; readonly rounds: Rounds }[];
  }[];
};

export type Findings = {
  readonly outcomes: Partial<Readonly<Record<GoalId, Outcome>>>;
  readonly tables: readonly PeerTable[];
  readonly panels: readonly Panel[];
};
