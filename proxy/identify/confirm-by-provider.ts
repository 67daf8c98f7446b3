// Asks the provider that a session came from, and no other, whether it still stands behind it.
import { err } from "../../core/result.ts";
import type { ConfirmSession } from "./sessions.ts";

/** @param byIssuer how each provider confirms its own sessions */
export function confirmByProvider(byIssuer: ReadonlyMap<string, ConfirmSession>): ConfirmSession {
  return async (place, record) => {
    const confirm = byIssuer.get(record.identity.issuer);
    // Nobody is left who could stand behind it.
    return confirm === undefined ? err({ code: "session_ended", how: "ended" }) : confirm(place, record);
  };
}
