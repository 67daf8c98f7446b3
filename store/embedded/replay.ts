// Reads a log back. Tells a crash, which is expected and mended, from damage, which is not guessed at: only one
// record is ever on its way to the disk, so a crash can spoil the end of the log and nothing else. No I/O.
import { ConfigError } from "../../core/config-error.ts";
import { type CommittedChange, type LoggedChange, parseChanges } from "./change.ts";
import { findRecord, readRecord } from "./record.ts";

/** What every log begins with; the number is the format's. */
export const LOG_HEADER = Buffer.from("gatehouse store 1\n");

/**
 * @param bytes the log, untrusted
 * @param source its name, for the operator
 * @param apply gets every change, in order
 * @returns the offset where the last whole record ends; what follows is the tail that a crash tore
 */
export function replayLog(bytes: Buffer, source: string, apply: (change: CommittedChange) => void): number {
  if (!bytes.subarray(0, LOG_HEADER.length).equals(LOG_HEADER))
    throw refusal(source, "a file that does not begin as a store log does");
  let end = LOG_HEADER.length;
  let complete = false;
  let lastEvent: number | undefined;

  function accept(change: LoggedChange) {
    if (change.kind === "complete") {
      complete = true;
      return;
    }
    if (change.kind === "event") {
      const expected = lastEvent === undefined ? change.number : lastEvent + 1;
      if (change.number !== expected)
        throw refusal(source, `event ${change.number} in place of ${expected} in the record at byte ${end}`);
      lastEvent = change.number;
    }
    apply(change);
  }

  for (let record = readRecord(bytes, end); record !== undefined; record = readRecord(bytes, end)) {
    const changes = parseChanges(record.json);
    if (changes === undefined)
      throw refusal(source, `a record at byte ${end} that this version does not know`);
    changes.forEach(accept);
    end = record.end;
  }
  // What a compaction wrote was on the disk before the log got its name: no crash can have torn it. Nor any record
  // that another one follows: that one was begun only when this one was on the disk.
  if (!complete || findRecord(bytes, end + 1) !== undefined)
    throw refusal(source, `damage at byte ${end} that no crash explains`);
  return end;
}

function refusal(source: string, found: string): ConfigError {
  const expected =
    "an undamaged log of this version: restore it from a backup, or move it away to start with an empty store";
  return new ConfigError([{ source, path: "", found, expected }]);
}
