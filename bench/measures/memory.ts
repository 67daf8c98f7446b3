// Memory that a front door holds for one idle WebSocket, plain and behind its own TLS. A new process in each round: in
// one that has had connections before, new ones hide in pages that it has kept.
import { join } from "node:path";
import { packageRoot } from "../../cli/package-root.ts";
import type { Lab } from "../lab.ts";
import { closeAll, openWebSockets } from "../load/connections.ts";
import { residentKiBOf } from "../machine/process-cost.ts";
import type { Child } from "../processes/children.ts";
import type { Outcome } from "../report/findings.ts";
import type { Measure, Measuring } from "./measure.ts";

/** Opened and closed before weighing, so that code and caches are there. */
const WARM_UP = 200;
const COLLECTOR = join(packageRoot(), "dist", "bench", "processes", "collector.js");

export const measureMemory: Measure = async (measuring) => ({
  outcomes: {
    memoryPlain: await weigh("plain", measuring),
    memoryTls: await weigh("TLS", measuring),
  },
  tables: [],
  panels: [],
});

async function weigh(kind: "plain" | "TLS", { lab, plan, progress }: Measuring): Promise<Outcome> {
  const rounds: number[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    progress(`memory: ${kind}, round ${round + 1} of ${plan.rounds}`);
    rounds.push(await weighOnce(kind, lab, plan.idleConnections));
  }
  return {
    rounds,
    note: `${plan.idleConnections.toLocaleString("en")} connections, without empty pages of the heap`,
  };
}

/** @returns KiB for each connection */
async function weighOnce(kind: "plain" | "TLS", lab: Lab, count: number): Promise<number> {
  const door = await lab.newDoor({
    tls: kind === "TLS",
    nodeOptions: ["--expose-gc", "--import", COLLECTOR],
  });
  try {
    const address = await door.signedIn();
    await closeAll(await openWebSockets(address, WARM_UP));
    const before = await memoryKiBOf(door.child);
    const sockets = await openWebSockets(address, count);
    const after = await memoryKiBOf(door.child);
    await closeAll(sockets);
    return (after - before) / count;
  } finally {
    await door.stop();
  }
}

/**
 * Resident, after garbage collection, less the pages of the heap that are empty then: V8 keeps them for what comes, in
 * steps of many MiB that belong to no connection.
 * @param child started with the collector
 */
async function memoryKiBOf({ pid, process: child }: Child): Promise<number> {
  const { emptyHeapKiB } = await new Promise<{ readonly emptyHeapKiB: number }>((resolve) => {
    child.once("message", (answer) => resolve(answer as { emptyHeapKiB: number }));
    child.send("collect");
  });
  return residentKiBOf(pid) - emptyHeapKiB;
}
