// Writes down what a refresh brought. Every write is guarded: a session that was ended meanwhile stays ended, and one
// that was refreshed by somebody else keeps what they got.
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Commit } from "../../core/store.ts";
import type { RefreshedTokens } from "../../token-exchange/refresh-request.ts";
import type { AccessEvent } from "../live/access-event.ts";
import type { RefreshedIdentity } from "./refresh-outcome.ts";
import { nextRefreshTime } from "./refresh-time.ts";
import type { SessionEndings } from "./session-endings.ts";
import type { ProviderTokens, SessionRecord, Sessions } from "./sessions.ts";

export type RefreshRecord = {
  /** The provider stands behind the session. An event is written with what it tells of, so that neither is lost. */
  confirmed(
    place: string,
    used: string,
    came: RefreshedTokens,
    person: RefreshedIdentity | undefined,
  ): Promise<void>;
  /** What came could not be verified. Only a refresh token is kept: the one before may be void now. */
  unverified(place: string, used: string, came: RefreshedTokens): Promise<void>;
  /** @param why for the audit log */
  refused(place: string, used: string, why: string): Promise<void>;
};

export type RefreshRecordDeps = {
  readonly sessions: Pick<Sessions, "recordAt" | "replace">;
  readonly endings: Pick<SessionEndings, "endOne">;
  /** Id of the one that was asked. */
  readonly provider: string;
  readonly clock: Clock;
  readonly audit: Audit;
};

type Change = { readonly identity?: SessionRecord["identity"]; readonly tokens: ProviderTokens };

const MAX_WRITES = 8;

export function createRefreshRecord(deps: RefreshRecordDeps): RefreshRecord {
  const { sessions, endings, provider, clock, audit } = deps;

  /** @param used the refresh token that was sent: a record that holds another one was refreshed elsewhere */
  async function unchanged(place: string, used: string) {
    const found = await sessions.recordAt(place);
    return found?.record.details.tokens.refreshToken === used ? found : undefined;
  }

  async function change(
    place: string,
    used: string,
    to: (tokens: ProviderTokens) => Change,
    event?: AccessEvent,
  ): Promise<Commit | undefined> {
    for (let attempt = 1; attempt <= MAX_WRITES; attempt += 1) {
      const found = await unchanged(place, used);
      if (found === undefined) return undefined;
      const { record, version } = found;
      const { identity = record.identity, tokens } = to(record.details.tokens);
      const next = { ...record, identity, details: { ...record.details, tokens } };
      const committed = await sessions.replace(place, { record: next, version }, event);
      if (committed !== undefined) return committed;
      // A request wrote down its use of the session, or somebody ended it: look again.
    }
    throw new Error(`the session changed ${MAX_WRITES} times while a refresh was being kept`);
  }

  return {
    async confirmed(place, used, came, person) {
      const refreshToken = came.refreshToken ?? used;
      const refreshAt = nextRefreshTime(refreshToken, came.expiresAt, clock.now());
      const to = ({ idToken }: ProviderTokens): Change => ({
        ...(person && { identity: person.identity }),
        tokens: { idToken: came.idToken ?? idToken, refreshToken, refreshAt },
      });
      const kept = await change(place, used, to, person?.event);
      if (kept === undefined || person?.event === undefined) return;
      const { userId, email, sid } = person.identity;
      const facts = { userId, email, sid, provider, event: kept.eventNumber };
      audit.record(auditEvent({ kind: "refresh", outcome: "allowed", reason: person.event.kind, ...facts }));
    },

    async unverified(place, used, { refreshToken }) {
      if (refreshToken === null || refreshToken === used) return;
      await change(place, used, (tokens) => ({ tokens: { ...tokens, refreshToken } }));
    },

    async refused(place, used, why) {
      const found = await unchanged(place, used);
      if (found === undefined) return;
      const { userId, email, sid } = found.record.identity;
      const { eventNumber } = await endings.endOne(sid, "provider_refused");
      const facts = { userId, email, sid, provider, event: eventNumber };
      audit.record(
        auditEvent({ kind: "logout", outcome: "allowed", reason: `provider_refused: ${why}`, ...facts }),
      );
    },
  };
}
