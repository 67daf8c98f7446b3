// Counts credentials that proved nothing, by the client's address, whichever kind they were (S22, S23). Past
// the limit the answer is 429. One that proves something is never refused for its neighbours behind one NAT.
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Denial } from "../../core/denial.ts";
import { addressBucket } from "../request/address-bucket.ts";

export type FailedAttempts = {
  /** Counts one and says what to answer instead of `denial`, if anything. */
  count(peer: string, denial: Denial): Promise<Denial>;
};

export function createFailedAttempts(perMinute: number): FailedAttempts {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });
  return {
    async count(peer, denial) {
      try {
        await limiter.consume(addressBucket(peer));
        return denial;
      } catch (state) {
        const waitMs = (state as { msBeforeNext?: number }).msBeforeNext ?? 60_000;
        return { code: "too_many_attempts", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
      }
    },
  };
}
