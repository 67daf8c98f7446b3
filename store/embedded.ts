// The store port on one machine: everything in memory, every commit in an append-only log in a locked folder.
// For one process; several processes need an adapter with a server behind it. Files are touched in embedded/ only.
import type { Clock } from "../core/clock.ts";
import { lockFolder } from "../core/folder-lock.ts";
import type { Log } from "../core/log.ts";
import { ok } from "../core/result.ts";
import { type Store, type StoreEvent, StoreUnavailable } from "../core/store.ts";
import { checkWrites } from "./check-writes.ts";
import type { KeyChange } from "./embedded/change.ts";
import { type Disk, nodeDisk } from "./embedded/disk.ts";
import { createJournal } from "./embedded/journal.ts";
import { openLogFile } from "./embedded/log-file.ts";
import { planCommit } from "./embedded/plan-commit.ts";
import { prepareFolder } from "./embedded/prepare-folder.ts";
import { createState } from "./embedded/state.ts";

export type EmbeddedStoreOptions = {
  /** Created `0700` when absent. On a local file system; this process alone uses it until `close`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How many of the newest events are kept; at least 1. */
  readonly keepEvents?: number;
  /** The log, compacted at every open, is compacted again when it is larger than this … */
  readonly compactAboveBytes?: number;
  /** … and larger than this many times what the last compaction left. */
  readonly compactFactor?: number;
  /** Tests pass disks that fail. */
  readonly disk?: Disk;
};

const KEEP_EVENTS = 10_000;
const COMPACT_ABOVE_BYTES = 8 * 1024 * 1024;
const COMPACT_FACTOR = 4;

/**
 * Opens the store in a folder, creating an empty one on first use. Versions are checked against commits still on
 * their way to the disk, in the order of the calls; readers see a commit only once it is durable. After the first
 * failed write nothing is answered any more (StoreUnavailable): what reached the disk is found out by a fresh open.
 * A version counts from 1 again after an entry has expired, was deleted without tombstone, or its tombstone lapsed.
 * @throws ConfigError when the folder is in use, unusable, or its log is damaged other than by a crash
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const { folder, clock, log, keepEvents = KEEP_EVENTS, disk = nodeDisk } = options;
  const state = createState(keepEvents);
  await prepareFolder(folder);
  const unlock = await lockFolder(folder);
  const file = await openLogFile({
    disk,
    folder,
    log,
    apply: state.apply,
    snapshot: () => state.snapshot(clock.now()),
  }).catch(async (error: unknown) => {
    await unlock();
    throw error;
  });

  /** The newest change of each key that is not durable yet. */
  const pending = new Map<string, KeyChange>();
  let plannedEvent = state.lastEvent();
  const listeners = new Set<(event: StoreEvent) => void>();
  let closing: Promise<void> | undefined;

  const journal = createJournal({
    file,
    log,
    onDurable(changes) {
      for (const change of changes) {
        state.apply(change);
        if (change.kind !== "event" && pending.get(change.key) === change) pending.delete(change.key);
      }
      // Only now: a listener that reads must see the whole commit that its event tells of.
      for (const change of changes)
        if (change.kind === "event") tell({ number: change.number, payload: change.payload });
    },
    compactAboveBytes: options.compactAboveBytes ?? COMPACT_ABOVE_BYTES,
    compactFactor: options.compactFactor ?? COMPACT_FACTOR,
  });

  function tell(event: StoreEvent) {
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch (error) {
        log.error({ err: error, event: event.number }, "a listener of store events failed");
      }
    }
  }

  function assertAvailable() {
    if (closing !== undefined) throw new StoreUnavailable(new Error("the store is closed"));
    journal.assertWorking();
  }

  async function shutDown() {
    try {
      await journal.close();
    } finally {
      await unlock();
    }
  }

  return {
    async get(key) {
      assertAvailable();
      return state.get(key, clock.now());
    },
    async list(prefix) {
      assertAvailable();
      return state.list(prefix, clock.now());
    },
    async commit(writes) {
      checkWrites(writes);
      assertAvailable();
      const plan = planCommit(writes, {
        slotOf: (key) => pending.get(key) ?? state.slotOf(key),
        lastEvent: plannedEvent,
        now: clock.now(),
      });
      if (!plan.ok) {
        // The conflicting write may be in flight: answered now, the caller would read the old version again.
        await journal.settled();
        return plan;
      }
      const { changes, commit } = plan.value;
      const durable = journal.append(changes);
      for (const change of changes) if (change.kind !== "event") pending.set(change.key, change);
      plannedEvent = commit.eventNumber;
      await durable;
      return ok(commit);
    },
    async lastEventNumber() {
      assertAvailable();
      return state.lastEvent();
    },
    async eventsAfter(after) {
      assertAvailable();
      return state.eventsAfter(after);
    },
    onEvent(listener) {
      assertAvailable();
      // A wrapper of its own: the same function may listen twice and stop once.
      const own = (event: StoreEvent) => listener(event);
      listeners.add(own);
      return () => listeners.delete(own);
    },
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}
