import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { expect, it } from "vitest";
import type { Store } from "../../../core/store.ts";
import { embeddedFixture, temporaryFolder } from "../embedded-fixture.ts";

const ROUNDS = 25;
const WORKERS = 4;
const MOST_ACKNOWLEDGED = 120;

it("has every acknowledged commit after SIGKILL at any moment, and none by half", async () => {
  const { folder, open } = await embeddedFixture();
  const child = await buildChild();
  /** Of each worker, the newest commit acknowledged or shown by an open; of each event, what it must say. */
  const newest = new Array<number>(WORKERS).fill(0);
  const events = new Map<number, string>();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const killAfter = randomInt(1, MOST_ACKNOWLEDGED);
    for (const line of await linesUntilKilled(child, folder, killAfter)) {
      const [worker = 0, value = 0, event = 0] = line.split(" ").map(Number);
      newest[worker] = value;
      events.set(event, `${worker} ${value}`);
    }
    const store = await open({ keepEvents: 1_000_000 });
    await expectConsistent(store, newest, events, `round ${round}, killed after ${killAfter}`);
    await store.close();
  }
});

/** Then takes what it found for the base of the next round: what an open has shown must not go away either. */
async function expectConsistent(store: Store, newest: number[], events: Map<number, string>, when: string) {
  let commits = 0;
  for (const [worker, acknowledged] of newest.entries()) {
    const left = await store.get(`left ${worker}`);
    expect(await store.get(`right ${worker}`), when).toEqual(left);
    const version = left?.version ?? 0;
    if (left !== undefined) expect(left, when).toEqual({ value: `${version}`, version, expiresAt: null });
    // One more may have reached the disk without its acknowledgement reaching us.
    expect([acknowledged, acknowledged + 1], when).toContain(version);
    newest[worker] = version;
    commits += version;
  }
  const kept = await store.eventsAfter(0);
  expect(
    kept.map(({ number }) => number),
    when,
  ).toEqual(Array.from({ length: commits }, (_, n) => n + 1));
  expect(new Set(kept.map(({ payload }) => payload)).size, when).toBe(commits);
  for (const [number, payload] of events) expect(kept[number - 1], when).toEqual({ number, payload });
  for (const { number, payload } of kept) events.set(number, payload);
}

/** Runs the child until it has printed so many lines, kills it, and answers all that it has printed. */
async function linesUntilKilled(
  child: string,
  folder: string,
  killAfter: number,
): Promise<readonly string[]> {
  const running = spawn(process.execPath, [child, folder, `${WORKERS}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: running.stdout })) {
    lines.push(line);
    if (lines.length === killAfter) running.kill("SIGKILL");
  }
  if (running.exitCode === null && running.signalCode === null) await once(running, "exit");
  expect(running.signalCode).toBe("SIGKILL");
  return lines;
}

/** Node 20 runs no TypeScript: the child and what it imports become one JavaScript file. */
async function buildChild(): Promise<string> {
  const outDir = await temporaryFolder();
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      ssr: join(import.meta.dirname, "crash-child.ts"),
      outDir,
      rollupOptions: { output: { entryFileNames: "crash-child.mjs" } },
    },
  });
  return join(outDir, "crash-child.mjs");
}
