// Sessions and single assertions that the front door has said are over, for as long as an assertion made before could
// still arrive: an upgrade on its way when its access ended must not open what nobody would end. Bounded; no I/O.
import {
  ASSERTION_LIFETIME_SECONDS,
  type AssertionClaims,
  CLOCK_SKEW_SECONDS,
} from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";

export type EndedAccess = {
  /** @param ids `sid` of sessions, or `jti` of single assertions: their forms differ */
  remember(ids: readonly string[]): void;
  /** Why nobody may come in with this assertion; undefined when no end is known. */
  whyNot(claims: Pick<AssertionClaims, "sid" | "jti">): Denial | undefined;
};

/** An assertion is taken for made up to the skew in the future, and for fresh the skew beyond its life. */
export const ENDED_FOR_MS = (ASSERTION_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1_000;
const CAPACITY = 100_000;

export function createEndedAccess(clock: Clock, capacity = CAPACITY): EndedAccess {
  /** Until when, by the monotonic clock; the oldest first. */
  const ended = new Map<string, number>();
  let overflowUntil = Number.NEGATIVE_INFINITY;

  function forgetLapsed(now: number) {
    for (const [id, until] of ended) {
      if (until > now) return;
      ended.delete(id);
    }
  }

  return {
    remember(ids) {
      const now = clock.monotonic();
      const until = now + ENDED_FOR_MS;
      forgetLapsed(now);
      for (const id of ids) {
        // Deleted first: an entry written again would keep its place.
        ended.delete(id);
        // Forgetting the oldest early would let it in: until room has been made, nobody comes in.
        if (ended.size >= capacity) overflowUntil = until;
        else ended.set(id, until);
      }
    },
    whyNot({ sid, jti }) {
      const now = clock.monotonic();
      forgetLapsed(now);
      if (ended.has(sid)) return { code: "assertion_invalid", fault: "session_ended" };
      if (ended.has(jti)) return { code: "assertion_invalid", fault: "access_ended" };
      return overflowUntil > now ? { code: "gateway_full", what: "memory of ended access" } : undefined;
    },
  };
}
