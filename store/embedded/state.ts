// What is durable, in memory: the only thing that readers see. Changed by applying the log's changes, nothing else.
// No I/O, no clock.
import { type StoreEntry, type StoreEvent, StoreGap } from "../../core/store.ts";
import { type CommittedChange, type Slot, standing } from "./change.ts";

export type State = {
  apply(change: CommittedChange): void;
  slotOf(key: string): Slot | undefined;
  get(key: string, now: number): StoreEntry | undefined;
  /** In order of UTF-16 code units. */
  list(prefix: string, now: number): readonly (StoreEntry & { readonly key: string })[];
  lastEvent(): number;
  eventsAfter(after: number): readonly StoreEvent[];
  /** Forgets what has lapsed; then the changes that make this state from an empty one. */
  snapshot(now: number): Iterable<CommittedChange>;
};

/** @param keepEvents how many of the newest events are kept; at least 1, so that their numbers are never lost */
export function createState(keepEvents: number): State {
  if (!Number.isSafeInteger(keepEvents) || keepEvents < 1)
    throw new TypeError(`keepEvents must be a whole number from 1, not ${keepEvents}`);
  // A Map, since keys are any strings, `__proto__` included.
  const slots = new Map<string, Slot>();
  const events: StoreEvent[] = [];
  let lastEvent = 0;

  function* everything(): Generator<CommittedChange> {
    yield* slots.values();
    for (const { number, payload } of events) yield { kind: "event", number, payload };
  }

  return {
    apply(change) {
      switch (change.kind) {
        case "put":
        case "tombstone":
          slots.set(change.key, change);
          return;
        case "delete":
          slots.delete(change.key);
          return;
        case "event":
          lastEvent = change.number;
          events.push({ number: change.number, payload: change.payload });
          if (events.length > keepEvents) events.shift();
          return;
      }
    },
    slotOf: (key) => slots.get(key),
    get: (key, now) => entryOf(slots.get(key), now),
    list(prefix, now) {
      const found: (StoreEntry & { key: string })[] = [];
      for (const [key, slot] of slots) {
        const entry = key.startsWith(prefix) ? entryOf(slot, now) : undefined;
        if (entry !== undefined) found.push({ key, ...entry });
      }
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    lastEvent: () => lastEvent,
    eventsAfter(after) {
      const oldest = events[0]?.number ?? lastEvent + 1;
      if (after < oldest - 1) throw new StoreGap(after, oldest);
      return events.slice(after - oldest + 1);
    },
    snapshot(now) {
      for (const [key, slot] of slots) if (standing(slot, now) === undefined) slots.delete(key);
      return everything();
    },
  };
}

function entryOf(slot: Slot | undefined, now: number): StoreEntry | undefined {
  const current = standing(slot, now);
  if (current?.kind !== "put") return undefined;
  return { value: current.value, version: current.version, expiresAt: current.expiresAt };
}
