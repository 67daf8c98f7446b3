// Which processor core does what: load and backend on one, the proxy under test on another, so that they do not take
// time from each other. Linux, by taskset; where that cannot be done, everything runs everywhere and the report says so.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export type Cores = {
  /** For the measuring process, which is also the load, and the backend. */
  readonly load: string;
  /** For what is measured. */
  readonly proxy: string;
  readonly both: string;
};

/** @returns undefined when there is no taskset, or one core only */
export function pinnableCores(): Cores | undefined {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const [load, proxy] = allowedCores(readFileSync("/proc/self/status", "utf8"));
  if (load === undefined || proxy === undefined) return undefined;
  return { load: `${load}`, proxy: `${proxy}`, both: `${load},${proxy}` };
}

/** `Cpus_allowed_list: 0-2,5` → `[0, 1, 2, 5]` */
export function allowedCores(status: string): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return [];
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Moves running processes, with all their threads. */
export function moveTo(cores: string, pids: readonly number[]): void {
  for (const pid of pids) execFileSync("taskset", ["-a", "-p", "-c", cores, `${pid}`], { stdio: "ignore" });
}
