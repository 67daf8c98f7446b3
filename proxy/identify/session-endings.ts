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

export type EndedPeople = {
  /** Of those that had sessions. */
  readonly people: readonly { readonly userId: UserId; readonly sids: readonly SessionId[] }[];
  readonly eventNumber: number | null;
};

export type SessionEndings = {
  /** Ends those of a person's sessions that `choose` names. */
  endOf(user: UserId, choose: (session: SessionPlace) => boolean, reason: SessionEnd): Promise<Ended>;
  endOne(sid: SessionId, reason: SessionEnd): Promise<Ended>;
  endAll(sessions: readonly FoundSession[], reason: SessionEnd): Promise<Ended>;
  /** Ends all sessions of all these people by one event: when it fails, nobody's have ended. */
  endPeople(users: readonly UserId[], reason: SessionEnd): Promise<EndedPeople>;
};

/** Of one person's sessions that change at the same moment, one succeeds in each round. */
const MAX_ATTEMPTS = 64;

export function createSessionEndings(store: Store, index: SessionIndex): SessionEndings {
  async function end(
    users: readonly UserId[],
    choose: (session: SessionPlace) => boolean,
    reason: SessionEnd,
  ): Promise<EndedPeople> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const removals = await Promise.all(
        users.map(async (userId) => ({ userId, ...(await index.removing(userId, choose)) })),
      );
      const removed = removals.filter(({ chosen }) => chosen.length > 0);
      if (removed.length === 0) return { people: [], eventNumber: null };
      const people = removed.map(({ userId, chosen }) => ({ userId, sids: chosen.map(({ sid }) => sid) }));
      const sids = people.flatMap((person) => person.sids);
      const committed = await store.commit([
        ...removed.flatMap(({ chosen, writes }) => [...chosen.map(deletion), ...writes]),
        { kind: "event", payload: formatAccessEvent({ kind: "sessions_ended", sids, reason }) },
      ]);
      if (committed.ok) return { people, eventNumber: committed.value.eventNumber };
      // Somebody's list changed meanwhile: choose again.
    }
    const whose = users.join(", ");
    throw new Error(`the sessions of ${whose} changed ${MAX_ATTEMPTS} times while they were being ended`);
  }

  async function endOf(
    user: UserId,
    choose: (session: SessionPlace) => boolean,
    reason: SessionEnd,
  ): Promise<Ended> {
    const { people, eventNumber } = await end([user], choose, reason);
    return { sids: people.flatMap(({ sids }) => sids), eventNumber };
  }

  return {
    endOf,
    endPeople: (users, reason) => end(users, () => true, reason),
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

function deletion({ place, expiresAt }: SessionPlace): StoreWrite {
  return { kind: "delete", key: place, tombstoneUntil: expiresAt };
}
