// When each person last used each agent: for the person to see, nothing is decided by it. Written at most once a minute
// per person and agent, never waited for: a use that is not noted is no reason to refuse it.
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/clock.ts";
import type { AgentId, UserId } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";

export type LastUse = {
  /** At the beginning and at the end of each connection, and for each request. */
  note(user: UserId, agent: AgentId): void;
  /** Milliseconds since 1970, a minute too early at most; undefined when it is not known to have been used. */
  of(user: UserId, agent: AgentId): Promise<number | undefined>;
};

const WRITE_EVERY_MS = 60_000;
/** What has not been used for so long is forgotten. */
const KEPT_MS = 90 * 86_400_000;
/** Of people and their agents, whose newest writing is remembered. Past it there is one writing more. */
const REMEMBERED = 20_000;

export function createLastUse({ store, clock }: { store: Store; clock: Clock }): LastUse {
  const written = new LRUCache<string, number>({ max: REMEMBERED });
  return {
    note(user, agent) {
      const key = `last-use/${user}/${agent}`;
      const now = clock.now();
      if (Math.abs(now - (written.get(key) ?? 0)) < WRITE_EVERY_MS) return;
      written.set(key, now);
      const expiresAt = now + KEPT_MS;
      store.commit([{ kind: "put", key, value: String(now), expiresAt }]).catch(() => written.delete(key));
    },
    async of(user, agent) {
      const entry = await store.get(`last-use/${user}/${agent}`);
      return entry === undefined ? undefined : Number(entry.value);
    },
  };
}
