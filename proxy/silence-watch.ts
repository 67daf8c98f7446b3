// Ends exchanges and connections that stay silent for too long. One look a second at all that are under way: a timer for
// each part of each would cost more than the rest of what is done for it.
import type { Clock } from "../core/clock.ts";
import { type Placed, SwapList } from "./swap-list.ts";

export type Watched = Placed & {
  /** On the clock that only grows; to be moved on with each sign of life. */
  silentUntil: number;
  /** Called at most once, up to a second late. */
  onSilence(): void;
};

export type SilenceWatch<One extends Watched> = {
  add(watched: One): void;
  /** Does nothing for one that is not watched. */
  remove(watched: One): void;
  all(): readonly One[];
};

const LOOK_EVERY_MS = 1_000;

export function createSilenceWatch<One extends Watched>(clock: Clock): SilenceWatch<One> {
  const watched = new SwapList<One>();
  let looking = false;

  function lookAgain() {
    looking = watched.size > 0;
    if (looking) clock.after(LOOK_EVERY_MS, look);
  }

  function look() {
    const now = clock.monotonic();
    for (const one of watched.all()) {
      // Another one's end may have been its own.
      if (one.silentUntil <= now && watched.remove(one)) one.onSilence();
    }
    lookAgain();
  }

  return {
    add(one) {
      watched.add(one);
      if (!looking) lookAgain();
    },
    remove: (one) => void watched.remove(one),
    all: () => watched.all(),
  };
}
