// When the provider may be asked again after it failed: one session at a time backs off by itself, and while the
// provider is down only one request in each pause finds out whether it still is, however many sessions wait.
import type { Clock } from "../../core/clock.ts";
import type { SessionId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";

export type RefreshAttempts = {
  /** Whether the provider may be asked for this session now. If so, {@link ended} is to be told how it went. */
  begin(sid: SessionId): boolean;
  /**
   * `answered`: yes or no. `unclear`: the provider is there, this session got no answer. `unreachable`: it is not.
   * @param what for the log
   */
  ended(sid: SessionId, how: "answered" | "unclear" | "unreachable", what: string): void;
};

const SESSION_REST_MS = { first: 5_000, longest: 60_000 };
const PROVIDER_REST_MS = { first: 2_000, longest: 30_000 };
/** A rest that has long been over is forgotten: its session may be gone. */
const FORGET_AFTER_MS = 10 * 60_000;

/** @param provider id of the one provider that is asked */
export function createRefreshAttempts(provider: string, clock: Clock, log: Log): RefreshAttempts {
  /** Longest unchanged first. */
  const resting = new Map<SessionId, { readonly failures: number; readonly until: number }>();
  let outage: { readonly failures: number; readonly until: number } | undefined;
  /** One request finds out whether the outage is over. */
  let probing = false;

  function rest(sid: SessionId, now: number) {
    const failures = (resting.get(sid)?.failures ?? 0) + 1;
    resting.delete(sid);
    resting.set(sid, { failures, until: now + restFor(failures, SESSION_REST_MS) });
    for (const [oldest, { until }] of resting) {
      if (until + FORGET_AFTER_MS > now) return;
      resting.delete(oldest);
    }
  }

  return {
    begin(sid) {
      const now = clock.monotonic();
      if ((resting.get(sid)?.until ?? now) > now) return false;
      if (outage === undefined) return true;
      if (probing || outage.until > now) return false;
      probing = true;
      return true;
    },

    ended(sid, how, what) {
      const now = clock.monotonic();
      if (how === "answered") resting.delete(sid);
      else rest(sid, now);
      if (how !== "unreachable") {
        if (outage !== undefined) log.info({ provider }, "the identity provider refreshes sessions again");
        outage = undefined;
        probing = false;
        return;
      }
      if (outage === undefined)
        log.warn({ provider, what }, "the identity provider cannot refresh sessions; trying on");
      // Requests that were under way together fail together: they are one failure.
      if (outage === undefined || probing) {
        const failures = (outage?.failures ?? 0) + 1;
        outage = { failures, until: now + restFor(failures, PROVIDER_REST_MS) };
      }
      probing = false;
    },
  };
}

function restFor(failures: number, { first, longest }: { first: number; longest: number }): number {
  return Math.min(longest, first * 2 ** Math.min(failures - 1, 16));
}
