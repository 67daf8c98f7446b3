// Ends sessions, of browsers and of bearers alike: records deleted with a tombstone, the person's list shortened
// and the event written in one commit. Whoever ends somebody's sessions can miss none that is just being made.
import type { SessionId, UserId } from "../../core/ids.ts";
import type { Store, StoreWrite } from "../../core/store.ts";
import type { FoundSession, SessionIndex, SessionPlace } from "../../token-exchange/session-index.ts";
import { formatAccessEvent, type SessionEnd } from "../live/access-event.ts";

export type Ended = {
  readonly sids: readonly SessionId[];
  /** Number of the event that says so; null when there was nothing to end. */
  readonly eventNumber: number | null;
};

export type SessionEndings = {
  /** Ends those of a person's sessions that `choose` names. */
  endOf(user: UserId, choose: (session: SessionPlace) => boolean, reason: SessionEnd): Promise<Ended>;
  endOne(sid: SessionId, reason: SessionEnd): Promise<Ended>;
  endAll(sessions: readonly FoundSession[], reason: SessionEnd): Promise<Ended>;
};

/** Of one person's sessions that change at the same moment, one succeeds in each round. */
const MAX_ATTEMPTS = 64;

export function createSessionEndings(store: Store, index: SessionIndex): SessionEndings {
  async function endOf(
    user: UserId,
    choose: (session: SessionPlace) => boolean,
    reason: SessionEnd,
  ): Promise<Ended> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { chosen, writes } = await index.removing(user, choose);
      if (chosen.length === 0) return { sids: [], eventNumber: null };
      const sids = chosen.map(({ sid }) => sid);
      const committed = await store.commit([
        ...chosen.map(
          ({ place, expiresAt }): StoreWrite => ({ kind: "delete", key: place, tombstoneUntil: expiresAt }),
        ),
        ...writes,
        { kind: "event", payload: formatAccessEvent({ kind: "sessions_ended", sids, reason }) },
      ]);
      if (committed.ok) return { sids, eventNumber: committed.value.eventNumber };
      // The person's list changed meanwhile: choose again.
    }
    throw new Error(`the sessions of ${user} changed ${MAX_ATTEMPTS} times while they were being ended`);
  }

  return {
    endOf,
    async endOne(sid, reason) {
      const found = await index.find(sid);
      if (found === undefined) return { sids: [], eventNumber: null };
      return endOf(found.userId, (session) => session.sid === sid, reason);
    },
    async endAll(sessions, reason) {
      const ended: Ended[] = [];
      for (const user of new Set(sessions.map(({ userId }) => userId))) {
        const own = new Set(sessions.filter(({ userId }) => userId === user).map(({ sid }) => sid));
        ended.push(await endOf(user, ({ sid }) => own.has(sid), reason));
      }
      const numbers = ended.flatMap(({ eventNumber }) => (eventNumber === null ? [] : [eventNumber]));
      return { sids: ended.flatMap(({ sids }) => sids), eventNumber: numbers.at(-1) ?? null };
    },
  };
}
