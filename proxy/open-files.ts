// How many connections the process can hold at all, by the files that it may open: past them the kernel hands out none,
// and disk, store and gateways fail in turn. Linux only; elsewhere the configured limit stands.
import { readFileSync } from "node:fs";
import type { Log } from "../core/log.ts";
import { reserveOf } from "./connection-limits.ts";

const LIMITS_OF_THIS_PROCESS = "/proc/self/limits";
/** For listeners, store, logs, provider, probes and control channels. */
const OWN_FILES = 64;
/** Itself and the one to its gateway. */
const FILES_PER_CONNECTION = 2;

/**
 * The configured number, or what fits.
 * @param maxOpenFiles undefined when nobody knows
 */
export function affordableConnections(
  configured: number,
  maxOpenFiles: number | undefined,
  log: Log,
): number {
  if (maxOpenFiles === undefined) return configured;
  const needed = OWN_FILES + FILES_PER_CONNECTION * configured + reserveOf(configured);
  if (needed <= maxOpenFiles) return configured;
  const perConnection = FILES_PER_CONNECTION + 1 / 8;
  const connections = Math.max(1, Math.floor((maxOpenFiles - OWN_FILES - 1) / perConnection));
  log.warn(
    { configured, connections, maxOpenFiles },
    `limits.connections needs ${needed} open files: fewer are accepted; raise the limit (ulimit -n, LimitNOFILE=)`,
  );
  return connections;
}

export function maxOpenFiles(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(LIMITS_OF_THIS_PROCESS, "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
