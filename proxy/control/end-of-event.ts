// What of an event every gateway is told. The connections that this door forwards end here, and those that a proxy
// holds are ended one by one (direct-connections.ts); a gateway hears of ended sessions and replaced keys too, because
// what it was told before must not outlive them. Pure.
import { type AccessEvent, closeOf } from "../live/access-event.ts";
import type { SessionsEnd } from "./end-frame.ts";

/** @param number of the event; undefined when the gateways need not hear of it */
export function endOfEvent(event: AccessEvent, number: number): SessionsEnd | undefined {
  if (event.kind === "sessions_ended") {
    const { words } = closeOf({ code: event.reason });
    return { event: number, sids: event.sids, agent: null, code: 1008, words };
  }
  if (event.kind === "keys_replaced") {
    const { words } = closeOf({ code: "keys_replaced" });
    return { event: number, sids: "all", agent: null, code: 1012, words };
  }
  return undefined;
}
