// Applies the store's event log to whatever holds live access, in order. An event that this version does not know
// could concern anybody, and so could one that was applied by half: every connection ends, and each client comes back
// through all stages.
import type { Log } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { type AccessEvent, parseAccessEvent } from "./access-event.ts";

export type EventFollower = {
  /** Called in the order of the numbers. When it throws, everything is ended. */
  apply(event: AccessEvent, number: number): void;
  /** Ends everything, because nobody knows what happened. */
  applyUnknown(number: number): void;
};

export type FollowedEvents = {
  /** Number of the newest event applied. */
  applied(): number;
  stop(): void;
};

export async function followEvents(store: Store, follower: EventFollower, log: Log): Promise<FollowedEvents> {
  let applied = 0;
  // Listening before asking for the number: an event between the two is applied, not missed.
  const stop = store.onEvent(({ number, payload }) => {
    const event = parseAccessEvent(payload);
    try {
      if (event !== undefined) follower.apply(event, number);
      else {
        log.error({ number }, "an event of an unknown kind: every connection ends");
        follower.applyUnknown(number);
      }
    } catch (error) {
      log.error({ number, err: error }, "an event could not be applied: every connection ends");
      follower.applyUnknown(number);
    } finally {
      applied = number;
    }
  });
  const newest = await store.lastEventNumber();
  // Compared after the answer: events may have been applied while it was on its way.
  applied = Math.max(applied, newest);
  return { applied: () => applied, stop };
}
