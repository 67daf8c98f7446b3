// Ends exchanges that stay silent for too long. One look a second at all that are under way: a timer for each part of
// each would cost more than the rest of what is done for it.
import type { Clock } from "../../core/clock.ts";

export type Watched = {
  /** On the clock that only grows; to be moved on with each sign of life. */
  silentUntil: number;
  /** Where it is in the watch's list; the watch's own to write. */
  watchedAt: number;
  /** Called at most once, up to a second late. */
  onSilence(): void;
};

export type SilenceWatch = {
  add(watched: Watched): void;
  /** Does nothing for one that is not watched. */
  remove(watched: Watched): void;
};

/** Of what is not watched. */
export const NOWHERE = -1;

const LOOK_EVERY_MS = 1_000;

export function createSilenceWatch(clock: Clock): SilenceWatch {
  // A list, not a Set: V8 makes a Set's table anew every so many entries, and old tables kept dead exchanges.
  const all: Watched[] = [];
  let looking = false;

  function lookAgain() {
    looking = all.length > 0;
    if (looking) clock.after(LOOK_EVERY_MS, look);
  }

  function look() {
    const now = clock.monotonic();
    for (const watched of all.filter(({ silentUntil }) => silentUntil <= now)) {
      // Another one's end may have been its own.
      if (watched.watchedAt === NOWHERE) continue;
      remove(watched);
      watched.onSilence();
    }
    lookAgain();
  }

  /** The last one takes its place. */
  function remove(watched: Watched) {
    if (watched.watchedAt === NOWHERE) return;
    const last = all.pop();
    if (last !== undefined && last !== watched) {
      all[watched.watchedAt] = last;
      last.watchedAt = watched.watchedAt;
    }
    watched.watchedAt = NOWHERE;
  }

  return {
    add(watched) {
      watched.watchedAt = all.push(watched) - 1;
      if (!looking) lookAgain();
    },
    remove,
  };
}
