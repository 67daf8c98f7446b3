// What a commit did, as the log keeps it and memory holds it: results, not conditions, so that reading it back
// needs no clock and comes out the same every time. No I/O, no clock.

export type PutChange = {
  readonly kind: "put";
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly expiresAt: number | null;
};
export type TombstoneChange = {
  readonly kind: "tombstone";
  readonly key: string;
  readonly version: number;
  readonly until: number;
};
export type DeleteChange = { readonly kind: "delete"; readonly key: string };
export type EventChange = { readonly kind: "event"; readonly number: number; readonly payload: string };
/** Changes nothing: ends the part of a log that was on the disk before the log got its name. */
export type CompleteMark = { readonly kind: "complete" };

/** What a key can hold. */
export type Slot = PutChange | TombstoneChange;
export type KeyChange = Slot | DeleteChange;
export type CommittedChange = KeyChange | EventChange;
export type LoggedChange = CommittedChange | CompleteMark;

/** What counts for a key at a time: an expired entry and a lapsed tombstone count as nothing. */
export function standing(slot: KeyChange | undefined, now: number): Slot | undefined {
  if (slot === undefined || slot.kind === "delete") return undefined;
  const until = slot.kind === "put" ? slot.expiresAt : slot.until;
  return until === null || now < until ? slot : undefined;
}

/** One record's JSON, read back; undefined when it is not a list of changes that this version knows. */
export function parseChanges(json: string): readonly LoggedChange[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  return Array.isArray(value) && value.every(isChange) ? value : undefined;
}

function isChange(value: unknown): value is LoggedChange {
  if (typeof value !== "object" || value === null) return false;
  const {
    kind,
    key,
    value: text,
    version,
    expiresAt,
    until,
    number,
    payload,
  } = value as Record<string, unknown>;
  switch (kind) {
    case "put":
      return isText(key) && isText(text) && isCount(version) && (expiresAt === null || isTime(expiresAt));
    case "tombstone":
      return isText(key) && isCount(version) && isTime(until);
    case "delete":
      return isText(key);
    case "event":
      return isCount(number) && isText(payload);
    case "complete":
      return true;
    default:
      return false;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return typeof value === "number";
}
