// The key set file that an operator configured: brought to the key ring at start and whenever it changes. It is a
// beginning; what the control channel brings later is newer.
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { KeyRing } from "./key-ring.ts";

export type KeySetFile = {
  /** Reads the file now, if it changed; resolves when its verdict counts. */
  refresh(): Promise<void>;
  close(): void;
};

export type KeySetFileOptions = {
  readonly path: string;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
};

/** Beside the folder's own events, which network and container mounts may not deliver. */
const POLL_MS = 5_000;

/** Resolves when the file was read once. A file that is missing or no good is waited for. */
export async function watchKeySetFile(options: KeySetFileOptions): Promise<KeySetFile> {
  const { path, keyRing, clock, log } = options;
  /** What was brought last; a file that is not there counts too. */
  let brought: { readonly text: string | undefined } | undefined;
  let watcher: FSWatcher | undefined;
  let closed = false;
  let reading: Promise<void> = Promise.resolve();

  async function readOnce() {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (closed || (brought !== undefined && brought.text === text)) return;
    // A file replaced half-way is brought again at its next change.
    brought = { text };
    if (text === undefined) return log.warn({ path }, "there is no key set file");
    const taken = await keyRing.take(text, path);
    if (!taken.ok && taken.error === "not_kept") brought = undefined;
  }

  function refresh(): Promise<void> {
    reading = reading.then(readOnce);
    return reading;
  }

  function watchFolder() {
    if (watcher !== undefined) return;
    try {
      // The folder, not the file: a file replaced by rename is another file.
      watcher = watch(dirname(path), { persistent: false }, () => void refresh());
      watcher.on("error", () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      watcher = undefined;
    }
  }

  function poll() {
    if (closed) return;
    watchFolder();
    void refresh();
    cancelPoll = clock.after(POLL_MS, poll);
  }

  watchFolder();
  await refresh();
  let cancelPoll = clock.after(POLL_MS, poll);

  return {
    refresh,
    close() {
      closed = true;
      cancelPoll();
      watcher?.close();
    },
  };
}
