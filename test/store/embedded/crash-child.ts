// The process that crash.test.ts kills: commits without end, and prints a line for each acknowledged commit.
import { writeSync } from "node:fs";
import { systemClock } from "../../../core/clock.ts";
import type { Log } from "../../../core/log.ts";
import { openEmbeddedStore } from "../../../store/embedded.ts";

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent, fatal: silent };
const [folder, workers] = process.argv.slice(2);
if (folder === undefined || workers === undefined)
  throw new TypeError("usage: crash-child <folder> <workers>");

const store = await openEmbeddedStore({
  folder,
  clock: systemClock,
  log,
  keepEvents: 1_000_000,
  // Often, so that some kills hit a compaction.
  compactAboveBytes: 1,
  compactFactor: 2,
});
await Promise.all(Array.from({ length: Number(workers) }, (_, worker) => work(worker)));

async function work(worker: number): Promise<never> {
  for (;;) {
    const version = (await store.get(`left ${worker}`))?.version ?? 0;
    const value = `${version + 1}`;
    const answer = await store.commit([
      { kind: "put", key: `left ${worker}`, value, expiresAt: null, ifVersion: version },
      { kind: "event", payload: `${worker} ${value}` },
      { kind: "put", key: `right ${worker}`, value, expiresAt: null, ifVersion: version },
    ]);
    if (!answer.ok) throw new Error(`worker ${worker} met a conflict on a key of its own`);
    writeSync(1, `${worker} ${value} ${answer.value.eventNumber}\n`);
  }
}
