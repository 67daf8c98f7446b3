// The store port in memory, for tests that are not about the store. `fail()` makes it unavailable.
import type { Clock } from "../../core/clock.ts";
import { err, ok } from "../../core/result.ts";
import { type Store, type StoreEvent, StoreUnavailable } from "../../core/store.ts";

type Slot = { readonly version: number; readonly value: string | null; readonly until: number | null };

export type MemoryStore = Store & { fail(): void };

export function createMemoryStore(clock: Clock): MemoryStore {
  const slots = new Map<string, Slot>();
  const events: StoreEvent[] = [];
  const listeners = new Set<(event: StoreEvent) => void>();
  let failing = false;

  function slot(key: string): Slot | undefined {
    if (failing) throw new StoreUnavailable(new Error("made to fail"));
    const found = slots.get(key);
    return found === undefined || (found.until !== null && found.until <= clock.now()) ? undefined : found;
  }

  function entry(key: string) {
    const found = slot(key);
    if (found === undefined || found.value === null) return undefined;
    return { value: found.value, version: found.version, expiresAt: found.until };
  }

  return {
    fail() {
      failing = true;
    },
    async get(key) {
      return entry(key);
    },
    async list(prefix) {
      return [...slots.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort()
        .flatMap((key) => {
          const found = entry(key);
          return found === undefined ? [] : [{ key, ...found }];
        });
    },
    async commit(writes) {
      for (const write of writes) {
        if (write.kind === "event" || write.ifVersion === undefined) continue;
        const found = slot(write.key);
        const version = found?.version ?? 0;
        const tombstone = found !== undefined && found.value === null;
        if (tombstone || version !== write.ifVersion)
          return err({ kind: "conflict", key: write.key, version });
      }
      const versions: number[] = [];
      for (const write of writes) {
        if (write.kind === "event") {
          const event = { number: events.length + 1, payload: write.payload };
          events.push(event);
          for (const listener of listeners) listener(event);
          continue;
        }
        const version = (slot(write.key)?.version ?? 0) + 1;
        const until = write.kind === "put" ? write.expiresAt : (write.tombstoneUntil ?? clock.now());
        slots.set(write.key, { version, value: write.kind === "put" ? write.value : null, until });
        versions.push(version);
      }
      return ok({ versions, eventNumber: events.length });
    },
    async lastEventNumber() {
      return events.length;
    },
    async eventsAfter(after) {
      return events.slice(after);
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
  };
}
