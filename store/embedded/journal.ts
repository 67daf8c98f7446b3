// Group commit: commits that arrive while the disk is busy go into the next record together and share its sync.
// After the first failure nothing is written any more: what reached the disk is unknown until a fresh open.
import type { Log } from "../../core/log.ts";
import { StoreUnavailable } from "../../core/store.ts";
import type { CommittedChange } from "./change.ts";
import type { LogFile } from "./log-file.ts";
import { MAX_PAYLOAD_BYTES } from "./record.ts";

export type Journal = {
  /** Queues at once, in the order of the calls; resolves when durable and applied. Throws RangeError when too large. */
  append(changes: readonly CommittedChange[]): Promise<void>;
  /** Resolves when everything queued so far is durable and applied. */
  settled(): Promise<void>;
  /** Throws StoreUnavailable after a failure. */
  assertWorking(): void;
  /** Waits for what is queued. */
  close(): Promise<void>;
};

export type JournalDeps = {
  readonly file: LogFile;
  readonly log: Log;
  /** Gets each commit's changes once they are durable, in order. */
  readonly onDurable: (changes: readonly CommittedChange[]) => void;
  readonly compactAboveBytes: number;
  readonly compactFactor: number;
};

type Waiting = {
  readonly changes: readonly CommittedChange[];
  /** The changes, comma-separated; empty for one who only waits. */
  readonly json: string;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: StoreUnavailable) => void;
};

const BRACKETS_BYTES = 2;

export function createJournal(deps: JournalDeps): Journal {
  const { file, log } = deps;
  let queue: Waiting[] = [];
  let draining: Promise<void> | undefined;
  let failure: StoreUnavailable | undefined;

  function append(changes: readonly CommittedChange[]): Promise<void> {
    const json = changes.map((change) => JSON.stringify(change)).join(",");
    const bytes = Buffer.byteLength(json) + BRACKETS_BYTES;
    if (bytes > MAX_PAYLOAD_BYTES) throw new RangeError(`a commit of ${bytes} bytes is too large`);
    return new Promise((resolve, reject) => {
      queue.push({ changes, json, bytes, resolve, reject });
      // Begins after the calls of this turn, so that they share the first sync too.
      draining ??= Promise.resolve().then(drain);
    });
  }

  async function drain() {
    while (queue.length > 0) {
      const group = takeGroup();
      try {
        await write(group);
        if (isTimeToCompact()) await file.compact();
      } catch (error) {
        fail(error, group);
      }
    }
    draining = undefined;
  }

  /** As many of the queue as fit into one record. */
  function takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: more } of queue) {
      bytes += more;
      if (count > 0 && bytes > MAX_PAYLOAD_BYTES) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  async function write(group: readonly Waiting[]) {
    const parts = group.map(({ json }) => json).filter((json) => json !== "");
    // One record for the group: two records under one sync could reach the disk in either order, and a power cut
    // between them would look like damage in the middle of the log.
    if (parts.length > 0) await file.append(`[${parts.join(",")}]`);
    for (const { changes, resolve } of group) {
      deps.onDurable(changes);
      resolve();
    }
  }

  function isTimeToCompact(): boolean {
    return file.size() > Math.max(deps.compactAboveBytes, deps.compactFactor * file.compactedSize());
  }

  function fail(error: unknown, group: readonly Waiting[]) {
    log.error({ err: error }, "writing the store failed; it answers nothing until it is opened again");
    failure = new StoreUnavailable(error);
    const unanswered = [...group, ...queue];
    queue = [];
    // Those that were already answered are not concerned by a second answer.
    for (const { reject } of unanswered) reject(failure);
  }

  return {
    append,
    settled: () => append([]),
    assertWorking() {
      if (failure !== undefined) throw failure;
    },
    async close() {
      await draining;
      await file.close();
    },
  };
}
