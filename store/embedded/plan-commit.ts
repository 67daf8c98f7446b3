// Decides what a commit changes, or which write conflicts: the port's version rules in one place.
// Pure: writes nothing, so that a conflict leaves no trace.
import { err, ok, type Result } from "../../core/result.ts";
import type { Commit, StoreConflict, StoreWrite } from "../../core/store.ts";
import { type CommittedChange, type KeyChange, type Slot, standing } from "./change.ts";

export type CommitPlan = { readonly changes: readonly CommittedChange[]; readonly commit: Commit };

export type Before = {
  /** The key's newest change, durable or in flight. */
  readonly slotOf: (key: string) => KeyChange | undefined;
  /** Number of the newest event, durable or in flight. */
  readonly lastEvent: number;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
};

/** Each write sees those before it in the same commit. */
export function planCommit(writes: readonly StoreWrite[], before: Before): Result<CommitPlan, StoreConflict> {
  const changes: CommittedChange[] = [];
  const versions: number[] = [];
  const own = new Map<string, KeyChange>();
  let eventNumber = before.lastEvent;
  for (const write of writes) {
    if (write.kind === "event") {
      eventNumber += 1;
      changes.push({ kind: "event", number: eventNumber, payload: write.payload });
      continue;
    }
    const slot = standing(own.get(write.key) ?? before.slotOf(write.key), before.now);
    const version = slot?.version ?? 0;
    if (conflicts(write, slot)) return err({ kind: "conflict", key: write.key, version });
    const change =
      write.kind === "put" ? putChange(write, version + 1) : deletion(write, slot, version + 1, before.now);
    own.set(write.key, change);
    changes.push(change);
    versions.push(version + 1);
  }
  return ok({ changes, commit: { versions, eventNumber } });
}

type KeyWrite = Exclude<StoreWrite, { kind: "event" }>;

function conflicts(write: KeyWrite, slot: Slot | undefined): boolean {
  if (write.ifVersion === undefined) return false;
  // A response in flight when its session was ended must not bring it back, whatever version it read.
  if (write.kind === "put" && slot?.kind === "tombstone") return true;
  return write.ifVersion !== (slot?.version ?? 0);
}

function putChange(write: Extract<KeyWrite, { kind: "put" }>, version: number): KeyChange {
  return { kind: "put", key: write.key, value: write.value, version, expiresAt: write.expiresAt };
}

// Deleting again never shortens a tombstone: tidying up must not undo a logout.
function deletion(
  write: Extract<KeyWrite, { kind: "delete" }>,
  slot: Slot | undefined,
  version: number,
  now: number,
): KeyChange {
  const standingUntil = slot?.kind === "tombstone" ? slot.until : now;
  const until = Math.max(write.tombstoneUntil ?? now, standingUntil);
  if (until <= now) return { kind: "delete", key: write.key };
  return { kind: "tombstone", key: write.key, version, until };
}
