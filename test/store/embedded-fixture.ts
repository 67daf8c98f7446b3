// Embedded stores in temporary folders that are removed when the test is over.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createLog, type Log } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { type EmbeddedStoreOptions, openEmbeddedStore } from "../../store/embedded.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

export const START_MS = Date.UTC(2026, 10, 1);

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gh-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export type LogLine = { readonly level: string; readonly msg: string; readonly [field: string]: unknown };

/** A log whose lines a test can read. */
export function recordingLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = createLog("store", "debug", { write: (line) => lines.push(JSON.parse(line) as LogLine) });
  return { log, lines };
}

export type EmbeddedFixture = {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  /** Opens the folder; the test closes it, or leaves that to the end. */
  open(options?: Partial<EmbeddedStoreOptions>): Promise<Store>;
};

export async function embeddedFixture(): Promise<EmbeddedFixture> {
  const folder = await temporaryFolder();
  const clock = createManualClock(START_MS);
  const { log, lines } = recordingLog();
  return {
    folder,
    clock,
    lines,
    async open(options = {}) {
      const store = await openEmbeddedStore({ folder, clock, log, ...options });
      onTestFinished(() => store.close());
      return store;
    },
  };
}
