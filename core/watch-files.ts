// Tells when one of some files has changed, however it was changed: written in place, renamed over, or behind a
// symbolic link that now leads elsewhere (as Kubernetes mounts them). The kernel's notice makes it quick; looking
// every few seconds makes it sure, where there is no notice or a folder was replaced.
import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

export type WatchFilesDeps = {
  readonly clock: Clock;
  readonly log: Log;
  /** What was changed is looked at again later when it rejects. */
  readonly onChange: () => Promise<unknown>;
};

/** An editor writes a file in several steps: the last one counts. */
const SETTLE_MS = 100;
const LOOK_EVERY_MS = 2_000;

/** @returns the function that stops it */
export function watchFiles(paths: readonly string[], { clock, log, onChange }: WatchFilesDeps): () => void {
  // Looked at once in any case: they may have changed since they were read.
  let known = UNKNOWN;
  let cancelSettling: (() => void) | undefined;
  let cancelLook = () => {};
  const watchers = [...new Set(paths.map(dirname))].flatMap(watchFolder);

  function watchFolder(folder: string): FSWatcher[] {
    const poll = (error: unknown) =>
      log.warn({ folder, error: String(error) }, "the folder cannot be watched, only looked at now and then");
    try {
      // The folder and not the file: a file that is renamed over is another one.
      return [watch(folder, { persistent: false }, look).on("error", poll)];
    } catch (error) {
      poll(error);
      return [];
    }
  }

  function look() {
    if (cancelSettling !== undefined || stateOf(paths) === known) return;
    cancelSettling = clock.after(SETTLE_MS, settled);
  }

  function settled() {
    cancelSettling = undefined;
    known = stateOf(paths);
    onChange().catch((error: unknown) => {
      known = UNKNOWN;
      log.error({ err: error }, "changed files could not be taken over, trying again");
    });
  }

  function lookLater() {
    cancelLook = clock.after(LOOK_EVERY_MS, () => {
      look();
      lookLater();
    });
  }

  look();
  lookLater();
  return () => {
    for (const watcher of watchers) watcher.close();
    cancelSettling?.();
    cancelLook();
  };
}

const UNKNOWN = "unknown";

function stateOf(paths: readonly string[]): string {
  return paths.map(stateOfFile).join();
}

/** Follows symbolic links. That a file is not there or cannot be read is a state too. */
function stateOfFile(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev}.${ino}.${size}.${mtimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
