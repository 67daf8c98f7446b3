// Which turn runs when: one at a time in each session, a bounded number in all, a bounded queue behind them.
// Fair between people: a free place goes to whoever has the fewest turns running, the oldest first among equals.
// Pure bookkeeping; no I/O, no clock.
import { err, ok, type Result } from "../../core/result.ts";

export type LaneTurn = {
  /** Turns with the same session wait for each other. */
  readonly session: string;
  readonly owner: string;
  /** Runs the turn; its place is free again when this settles. */
  readonly run: () => Promise<void>;
  /** It has come forward in line while it waits. @param position as in {@link LanePlace} */
  readonly moved: (position: number) => void;
};

export type LanePlace =
  | { readonly kind: "running" }
  /** `position`: its place in line, 1 = next; so many turns are before it at most, the running one included. */
  | { readonly kind: "waiting"; readonly position: number };

export type Lanes = {
  /** Starts the turn or puts it in line; `full` when there is no place left in line for it. */
  enter(turn: LaneTurn): Result<LanePlace, "full">;
  /** Takes a waiting turn out of the line; false when it runs already or is not known. */
  leave(turn: LaneTurn): boolean;
  counts(): { readonly running: number; readonly waiting: number };
};

export type LaneLimits = { readonly maxConcurrent: number; readonly maxQueued: number };

export function createLanes({ maxConcurrent, maxQueued }: LaneLimits): Lanes {
  const running = new Set<LaneTurn>();
  const waiting: LaneTurn[] = [];
  // One person must not be able to shut everybody else out by filling the line.
  const maxQueuedByOne = Math.ceil(maxQueued / 2);

  const runningOf = (owner: string) => count(running, (turn) => turn.owner === owner);

  function mayRun(turn: LaneTurn): boolean {
    return running.size < maxConcurrent && count(running, (other) => other.session === turn.session) === 0;
  }

  function start(turn: LaneTurn) {
    running.add(turn);
    const leave = () => {
      running.delete(turn);
      startNext();
    };
    turn.run().then(leave, leave);
  }

  function startNext() {
    let next: LaneTurn | undefined;
    for (const turn of waiting) {
      if (!mayRun(turn)) continue;
      if (next === undefined || runningOf(turn.owner) < runningOf(next.owner)) next = turn;
    }
    if (next === undefined) return;
    takeOut(waiting.indexOf(next));
    start(next);
    startNext();
  }

  function takeOut(place: number) {
    waiting.splice(place, 1);
    for (const [index, turn] of waiting.entries()) if (index >= place) turn.moved(index + 1);
  }

  return {
    enter(turn) {
      // Nobody who waits could run in its stead: a place that becomes free is given away at once.
      if (mayRun(turn)) {
        start(turn);
        return ok({ kind: "running" });
      }
      const byOwner = count(waiting, (other) => other.owner === turn.owner);
      if (waiting.length >= maxQueued || byOwner >= maxQueuedByOne) return err("full");
      waiting.push(turn);
      return ok({ kind: "waiting", position: waiting.length });
    },
    leave(turn) {
      const index = waiting.indexOf(turn);
      if (index === -1) return false;
      takeOut(index);
      return true;
    },
    counts: () => ({ running: running.size, waiting: waiting.length }),
  };
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let found = 0;
  for (const item of items) if (holds(item)) found += 1;
  return found;
}
