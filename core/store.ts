// The store port: versioned entries and one numbered event log. What is written in one commit is atomic and,
// once `commit` resolves, survives a crash. Adapters live in store/; nothing else knows which one runs.
import type { Result } from "./result.ts";

/** One stored entry. `version` starts at 1 and grows with every write to the key, deletion included. */
export type StoreEntry = {
  readonly value: string;
  readonly version: number;
  readonly expiresAt: number | null;
};

export type StoreWrite =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: string;
      /** Write only if the key has this version; 0 = only if it has no entry and no tombstone. Left out: always. */
      readonly ifVersion?: number;
      /** Milliseconds since 1970 at which the entry is gone; null = never. */
      readonly expiresAt: number | null;
    }
  | {
      readonly kind: "delete";
      readonly key: string;
      readonly ifVersion?: number;
      /** Until then the key answers "absent" but refuses `put` with `ifVersion`: a late write cannot revive it. */
      readonly tombstoneUntil?: number;
    }
  | { readonly kind: "event"; readonly payload: string };

export type StoreConflict = { readonly kind: "conflict"; readonly key: string; readonly version: number };

export type Commit = {
  /** The new version of each key written, in the order of the writes (events left out). */
  readonly versions: readonly number[];
  /** The number of the last event of this commit, or the newest one before it. */
  readonly eventNumber: number;
};

export type StoreEvent = { readonly number: number; readonly payload: string };

export type Store = {
  get(key: string): Promise<StoreEntry | undefined>;
  /** Every live entry whose key starts with the prefix, in key order. */
  list(prefix: string): Promise<readonly (StoreEntry & { readonly key: string })[]>;
  /** All or nothing. A conflict names the first key whose version differs; nothing was written then. */
  commit(writes: readonly StoreWrite[]): Promise<Result<Commit, StoreConflict>>;
  /** Number of the newest event; 0 when there is none. */
  lastEventNumber(): Promise<number>;
  /** Events with a number greater than `after`, in order. Throws {@link StoreGap} when some were already discarded. */
  eventsAfter(after: number): Promise<readonly StoreEvent[]>;
  /** Called in order for every event committed from now on; returns the function that stops it. */
  onEvent(listener: (event: StoreEvent) => void): () => void;
  close(): Promise<void>;
};

/** The store did not answer. Callers refuse with 503; they never take it for "absent". */
export class StoreUnavailable extends Error {
  constructor(cause: unknown) {
    super("the store is unavailable", { cause });
    this.name = "StoreUnavailable";
  }
}

/** Events between `after` and the oldest one kept are lost to this reader: it must decide everything anew. */
export class StoreGap extends Error {
  constructor(after: number, oldest: number) {
    super(`events after ${after} are gone, the oldest one kept is ${oldest}`);
    this.name = "StoreGap";
  }
}
