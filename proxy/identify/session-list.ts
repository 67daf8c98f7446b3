// What is known of sessions, for whoever may look at them: the person, and administrators on the door's own host.
// Reads; ends nothing (session-endings.ts).
import type { SessionId, UserId } from "../../core/ids.ts";
import type { BearerSessions } from "../../token-exchange/bearer-sessions.ts";
import type { FoundSession, SessionIndex } from "../../token-exchange/session-index.ts";
import type { LiveConnection, LiveConnections } from "../live/live-connections.ts";
import type { SessionDetails, Sessions } from "./sessions.ts";

export type ListedSession = FoundSession & {
  readonly email: string | null;
  /** Of the provider that says who it is. */
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  readonly usedAt: number;
  readonly from: SessionDetails["from"] | null;
  /** Agents that it has open connections to. */
  readonly agents: readonly string[];
};

export type SessionList = {
  ofUser(user: UserId): Promise<readonly ListedSession[]>;
  all(): Promise<readonly ListedSession[]>;
};

export type SessionListDeps = {
  readonly index: Pick<SessionIndex, "ofUser" | "all">;
  readonly sessions: Pick<Sessions, "recordAt">;
  readonly bearerSessions: Pick<BearerSessions, "recordAt">;
  readonly live: Pick<LiveConnections, "ofUser" | "list">;
};

export function createSessionList({ index, sessions, bearerSessions, live }: SessionListDeps): SessionList {
  /** Undefined for one that ended while it was being listed. */
  async function detailsOf({ kind, place }: FoundSession) {
    if (kind === "browser") {
      const record = (await sessions.recordAt(place))?.record;
      return record && { ...record, from: record.details.from };
    }
    const record = await bearerSessions.recordAt(place);
    return record && { ...record, from: null };
  }

  /** Newest use first. */
  async function describe(
    found: readonly FoundSession[],
    connections: readonly LiveConnection[],
  ): Promise<readonly ListedSession[]> {
    const agents = agentsBySession(connections);
    const listed = await Promise.all(
      found.map(async (session): Promise<ListedSession[]> => {
        const details = await detailsOf(session);
        if (details === undefined) return [];
        const { identity, beganAt, usedAt, from } = details;
        const open = [...(agents.get(session.sid) ?? [])];
        const { email, issuer } = identity;
        return [{ ...session, email, issuer, beganAt, usedAt, from, agents: open }];
      }),
    );
    return listed.flat().sort((one, other) => other.usedAt - one.usedAt);
  }

  return {
    async ofUser(userId) {
      const places = await index.ofUser(userId);
      return describe(
        places.map((place) => ({ ...place, userId })),
        live.ofUser(userId),
      );
    },
    all: async () => describe(await index.all(), live.list()),
  };
}

function agentsBySession(connections: readonly LiveConnection[]): ReadonlyMap<SessionId, Set<string>> {
  const agents = new Map<SessionId, Set<string>>();
  for (const { identity, decided } of connections) {
    const known = agents.get(identity.sid) ?? new Set();
    for (const agent of decided?.agents ?? []) known.add(agent);
    agents.set(identity.sid, known);
  }
  return agents;
}
