// Memory that a front door holds for one idle WebSocket, plain and behind its own TLS. A new process in each round: in
// one that has had connections before, new ones hide in pages that it has kept.
import { join } from "node:path";
import { packageRoot } from "../../cli/package-root.ts";
import { frontDoorSchema } from "../../config/front-door.ts";
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
    memoryTls: "tls" in frontDoorSchema.shape ? await weigh("TLS", measuring) : { missing: "not built yet" },
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
    note: `${plan.idleConnections.toLocaleString("en")} connections, after garbage collection`,
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
    await collectGarbage(door.child);
    const before = residentKiBOf(door.pid);
    const sockets = await openWebSockets(address, count);
    await collectGarbage(door.child);
    const after = residentKiBOf(door.pid);
    await closeAll(sockets);
    return (after - before) / count;
  } finally {
    await door.stop();
  }
}

/** Of a process that was started with the collector. */
function collectGarbage({ process: child }: Child): Promise<void> {
  return new Promise((resolve) => {
    child.once("message", () => resolve());
    child.send("collect");
  });
}
