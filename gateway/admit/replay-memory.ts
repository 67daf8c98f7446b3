// The ids of the assertions already used, for as long as each could be used again. Bounded: when it is full,
// the next one is refused, because forgetting an id early would let its assertion in twice. No I/O, no clock.
import { CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import { err, ok, type Result } from "../../core/result.ts";

export type ReplayMemory = {
  /**
   * Remembers a verified assertion; fails if it was used before.
   * @param expiresAt its `exp`, seconds since 1970
   * @param now wall clock, seconds since 1970
   */
  remember(jti: string, expiresAt: number, now: number): Result<void, "replayed" | "replay_memory_full">;
};

export function createReplayMemory(capacity: number): ReplayMemory {
  const known = new Set<string>();
  /** By the last second in which the verification would still accept them; at most a few hundred seconds. */
  const bySecond = new Map<number, string[]>();

  function forgetLapsed(now: number) {
    for (const [second, ids] of bySecond) {
      if (second >= now) continue;
      for (const id of ids) known.delete(id);
      bySecond.delete(second);
    }
  }

  return {
    remember(jti, expiresAt, now) {
      forgetLapsed(now);
      if (known.has(jti)) return err("replayed");
      if (known.size >= capacity) return err("replay_memory_full");
      const lastSecond = Math.ceil(expiresAt) + CLOCK_SKEW_SECONDS;
      const ids = bySecond.get(lastSecond);
      if (ids === undefined) bySecond.set(lastSecond, [jti]);
      else ids.push(jti);
      known.add(jti);
      return ok(undefined);
    },
  };
}
