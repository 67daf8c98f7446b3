// Applies the store's event log to the live index, in order. An event that this version does not know could
// concern anybody: every connection ends, and each client comes back through all stages.
import type { Log } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { parseAccessEvent } from "./access-event.ts";
import type { LiveConnections } from "./live-connections.ts";

export type FollowedEvents = {
  /** Number of the newest event applied. */
  applied(): number;
  stop(): void;
};

export async function followEvents(store: Store, live: LiveConnections, log: Log): Promise<FollowedEvents> {
  let applied = 0;
  // Listening before asking for the number: an event between the two is applied, not missed.
  const stop = store.onEvent(({ number, payload }) => {
    const event = parseAccessEvent(payload);
    if (event !== undefined) live.apply(event);
    else {
      log.error({ number }, "an event of an unknown kind: every connection ends");
      live.endAll("access_changed");
    }
    applied = number;
  });
  applied = Math.max(applied, await store.lastEventNumber());
  return { applied: () => applied, stop };
}
