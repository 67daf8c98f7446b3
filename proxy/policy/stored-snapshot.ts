// The newest snapshot of the policy as it stands in the store: its number and what the two files said, with the
// environment filled in. It changes in one commit with the event that tells of it.
import { z } from "zod";
import type { PolicyTexts } from "../../config/policy-files.ts";
import type { Store } from "../../core/store.ts";
import { formatAccessEvent } from "../live/access-event.ts";

export const POLICY_PLACE = "policy/current";

const snapshotSchema = z.object({
  v: z.literal(1),
  number: z.int().positive(),
  /** Milliseconds since 1970. */
  at: z.number(),
  texts: z.object({ access: z.string(), routes: z.string() }),
});
export type StoredSnapshot = Omit<z.output<typeof snapshotSchema>, "v">;

export type WrittenSnapshot = StoredSnapshot & {
  /** Number of the event that tells of it; null when the store had this policy already. */
  readonly event: number | null;
};

const MAX_ATTEMPTS = 5;

export async function readSnapshot(store: Store): Promise<StoredSnapshot | undefined> {
  return (await read(store))?.snapshot;
}

/**
 * Makes this the newest snapshot, unless it is already.
 * @param now milliseconds since 1970
 * @param prepare called before each attempt with the number that the snapshot will have: its event is applied
 *   before the commit is acknowledged
 */
export async function writeSnapshot(
  store: Store,
  texts: PolicyTexts,
  now: number,
  prepare: (number: number) => void,
): Promise<WrittenSnapshot> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const before = await read(store);
    if (before !== undefined && isSame(before.snapshot.texts, texts))
      return { ...before.snapshot, event: null };
    const snapshot: StoredSnapshot = { number: (before?.snapshot.number ?? 0) + 1, at: now, texts };
    prepare(snapshot.number);
    const payload = formatAccessEvent({ kind: "policy_changed", snapshot: snapshot.number, at: now });
    const committed = await store.commit([
      {
        kind: "put",
        key: POLICY_PLACE,
        value: JSON.stringify({ v: 1, ...snapshot }),
        ifVersion: before?.version ?? 0,
        expiresAt: null,
      },
      { kind: "event", payload },
    ]);
    if (committed.ok) return { ...snapshot, event: committed.value.eventNumber };
  }
  throw new Error(`the policy changed ${MAX_ATTEMPTS} times while it was being changed`);
}

async function read(store: Store): Promise<{ snapshot: StoredSnapshot; version: number } | undefined> {
  const entry = await store.get(POLICY_PLACE);
  if (entry === undefined) return undefined;
  const { v: _, ...snapshot } = snapshotSchema.parse(JSON.parse(entry.value));
  return { snapshot, version: entry.version };
}

function isSame(one: PolicyTexts, other: PolicyTexts): boolean {
  return one.access === other.access && one.routes === other.routes;
}
