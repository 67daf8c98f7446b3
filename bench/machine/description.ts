// What the figures were measured on, for the report's head.
import { cpus, release, totalmem } from "node:os";
import type { Cores } from "./cores.ts";

export type Machine = {
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Whether load and proxy each had a core. */
  readonly pinned: boolean;
};

export function describeMachine(pinned: Cores | undefined): Machine {
  const all = cpus();
  return {
    node: process.version,
    processor: all[0]?.model.trim() ?? "unknown processor",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: `Linux ${release()}`,
    pinned: pinned !== undefined,
  };
}
