// The log on the disk: one append-only file, and its replacement by a compacted one. Knows what must be synced in
// which order; knows nothing of versions or readers.
import { join } from "node:path";
import type { Log } from "../../core/log.ts";
import type { CommittedChange } from "./change.ts";
import type { AppendFile, Disk } from "./disk.ts";
import { encodeRecord } from "./record.ts";
import { LOG_HEADER, replayLog } from "./replay.ts";

export type LogFile = {
  /** Bytes now. */
  size(): number;
  /** Bytes that the last compaction left. */
  compactedSize(): number;
  /** One record, on the disk when this resolves. After a failure, what is on the disk is unknown. */
  append(json: string): Promise<void>;
  /** Replaces the log by the snapshot; a crash leaves the old one or the new one. */
  compact(): Promise<void>;
  close(): Promise<void>;
};

export type LogFileDeps = {
  readonly disk: Disk;
  /** Locked by this process. */
  readonly folder: string;
  readonly log: Log;
  /** Gets every change of an existing log, in order. */
  readonly apply: (change: CommittedChange) => void;
  /** The changes that make everything durable from nothing. */
  readonly snapshot: () => Iterable<CommittedChange>;
};

const CHUNK_CHARACTERS = 1024 * 1024;
const COMPLETE = JSON.stringify([{ kind: "complete" }]);

/**
 * Reads the log, if there is one, and goes on with a fresh copy of it: what was read may be in the system's memory
 * only, and after a failed sync no later one would say so. The copy also leaves a torn tail behind.
 * @throws ConfigError when the log is damaged other than by a crash
 */
export async function openLogFile({ disk, folder, log, apply, snapshot }: LogFileDeps): Promise<LogFile> {
  const path = join(folder, "store.log");
  const draft = join(folder, "store.log.new");
  const bytes = await disk.read(path);
  if (bytes !== undefined) {
    const end = replayLog(bytes, path, apply);
    if (end < bytes.length)
      log.warn({ file: path, offset: end, bytes: bytes.length - end }, "cut the tail that a crash left");
  }
  let { file, size } = await writeNew();
  let compactedSize = size;

  async function writeNew(): Promise<{ file: AppendFile; size: number }> {
    const file = await disk.create(draft);
    let size = 0;
    try {
      for (const part of partsOf(snapshot())) {
        await file.append(part);
        size += part.length;
      }
      // Content before name, and name before anything is acknowledged on the strength of it.
      await file.sync();
      await disk.rename(draft, path);
      await disk.syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { file, size };
  }

  return {
    size: () => size,
    compactedSize: () => compactedSize,
    async append(json) {
      const record = encodeRecord(json);
      await file.append(record);
      await file.sync();
      size += record.length;
    },
    async compact() {
      const old = file;
      ({ file, size } = await writeNew());
      compactedSize = size;
      await old.close();
    },
    close: () => file.close(),
  };
}

function* partsOf(changes: Iterable<CommittedChange>): Generator<Buffer> {
  yield LOG_HEADER;
  for (const json of chunksOf(changes)) yield encodeRecord(json);
  yield encodeRecord(COMPLETE);
}

/** JSON arrays of about a MiB: memory stays bounded, and the process answers between two of them. */
function* chunksOf(changes: Iterable<CommittedChange>): Generator<string> {
  let chunk: string[] = [];
  let length = 0;
  for (const change of changes) {
    const json = JSON.stringify(change);
    if (chunk.length > 0 && length + json.length > CHUNK_CHARACTERS) {
      yield `[${chunk.join(",")}]`;
      chunk = [];
      length = 0;
    }
    chunk.push(json);
    length += json.length;
  }
  if (chunk.length > 0) yield `[${chunk.join(",")}]`;
}
