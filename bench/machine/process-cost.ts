// What a process has cost so far, from /proc: CPU time by the scheduler's own count in nanoseconds (the ticks of
// /proc/<pid>/stat are 10 ms, too coarse for a short run), and memory.
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of these processes, all threads of each, user and system, in nanoseconds. */
export function cpuNanosOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuNanosOfOne(pid), 0);
}

/** Resident memory in KiB. */
export function residentKiBOf(pid: number): number {
  const line = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (line === undefined) throw new Error(`process ${pid} says nothing of its memory`);
  return Number(line);
}

/** How many files and sockets this process may have open, which is what those it starts may. */
export function descriptorLimit(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return line === "unlimited" ? Number.POSITIVE_INFINITY : Number(line ?? 1_024);
}

function cpuNanosOfOne(pid: number): number {
  let nanos = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // "time on the processor, time waiting for it, slices": proc(5), schedstat.
    const [onProcessor] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    nanos += Number(onProcessor);
  }
  return nanos;
}
