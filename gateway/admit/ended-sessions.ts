// Sessions that the front door has said are over, for as long as an assertion made before could still arrive: an
// upgrade on its way when its session ended must not open what nobody would end. Bounded; no I/O.
import { ASSERTION_LIFETIME_SECONDS, CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import type { SessionId } from "../../core/ids.ts";

export type EndedSessions = {
  remember(sids: readonly SessionId[]): void;
  /** Why nobody of this session may come in; undefined for a session of which no end is known. */
  whyNot(sid: SessionId): Denial | undefined;
};

/** An assertion is taken for made up to the skew in the future, and for fresh the skew beyond its life. */
export const ENDED_FOR_MS = (ASSERTION_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS) * 1_000;
const CAPACITY = 100_000;

export function createEndedSessions(clock: Clock, capacity = CAPACITY): EndedSessions {
  /** Until when, by the monotonic clock; the oldest first. */
  const ended = new Map<SessionId, number>();
  let overflowUntil = Number.NEGATIVE_INFINITY;

  function forgetLapsed(now: number) {
    for (const [sid, until] of ended) {
      if (until > now) return;
      ended.delete(sid);
    }
  }

  return {
    remember(sids) {
      const now = clock.monotonic();
      const until = now + ENDED_FOR_MS;
      forgetLapsed(now);
      for (const sid of sids) {
        // Deleted first: an entry written again would keep its place.
        ended.delete(sid);
        // Forgetting the oldest early would let it in: until room has been made, nobody comes in.
        if (ended.size >= capacity) overflowUntil = until;
        else ended.set(sid, until);
      }
    },
    whyNot(sid) {
      const now = clock.monotonic();
      forgetLapsed(now);
      if (ended.has(sid)) return { code: "assertion_invalid", fault: "session_ended" };
      return overflowUntil > now ? { code: "gateway_full", what: "memory of ended sessions" } : undefined;
    },
  };
}
