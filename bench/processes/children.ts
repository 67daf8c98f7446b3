// The processes under measurement: started on their core, and none of them left behind, however the run ends.
import { type ChildProcess, spawn } from "node:child_process";
import { createConnection } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../cli/package-root.ts";
import type { Cores } from "../machine/cores.ts";

export type Child = {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The last of what it has said on standard error. */
  readonly lastWords: () => string;
};

export type Start = {
  readonly on: "load" | "proxy";
  /** Program and arguments. */
  readonly command: readonly string[];
  /** A channel for messages to and from a Node process. */
  readonly ipc?: boolean;
};

export type Children = {
  start(what: Start): Child;
  /** At once: what it has written is of no worth. Resolves when it is gone. */
  stop(child: Child): Promise<void>;
};

export function createChildren(cores: Cores | undefined): Children {
  const running = new Set<ChildProcess>();
  process.once("exit", () => {
    for (const child of running) child.kill("SIGKILL");
  });
  return {
    start({ on, command, ipc = false }) {
      const pin = cores === undefined ? [] : ["taskset", "-c", cores[on]];
      const [program = "", ...args] = [...pin, ...command];
      const child = spawn(program, args, {
        stdio: ["ignore", "ignore", "pipe", ...(ipc ? (["ipc"] as const) : [])],
      });
      let said = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-MAX_WORDS);
      });
      running.add(child);
      child.once("exit", () => running.delete(child));
      if (child.pid === undefined) throw new Error(`cannot start ${program}`);
      return { pid: child.pid, process: child, lastWords: () => said };
    },
    stop({ process: child }) {
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      return new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      });
    },
  };
}

/** Command line of one of our own built programs. */
export function nodeProgram(path: string, ...args: readonly (string | number)[]): readonly string[] {
  return [process.execPath, join(packageRoot(), "dist", path), ...args.map(String)];
}

const MAX_WORDS = 4_096;
const READY_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 50;

/** Waits until `isSo`; @throws when the process ends before, or when it takes too long */
export async function until(what: string, child: Child, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if (await isSo().catch(() => false)) return;
    const { exitCode } = child.process;
    if (exitCode !== null) throw new Error(`${what} ended with ${exitCode}: ${child.lastWords()}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  throw new Error(`${what} is not ready within ${READY_WITHIN_MS} ms: ${child.lastWords()}`);
}

export function untilListening(what: string, child: Child, port: number): Promise<void> {
  return until(what, child, () => connects(port));
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ port, host: "127.0.0.1" });
    probe.once("error", () => resolve(false));
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
  });
}
