// Keeps sessions confirmed by the provider: its tokens are refreshed a minute early, once at a time per session, and
// groups are read anew. Its "no" ends the session at once; its silence is borne for a grace, then the session waits.
import type { ProviderConfig } from "../../config/provider.ts";
import type { Audit } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { err, ok } from "../../core/result.ts";
import type { ClaimRules } from "../../token-exchange/identity-from-claims.ts";
import type { RefreshRequest } from "../../token-exchange/refresh-request.ts";
import type { IdTokenVerifier } from "../pages/id-token.ts";
import { createRefreshAttempts } from "./refresh-attempts.ts";
import { type RefreshedIdentity, refreshedIdentity } from "./refresh-outcome.ts";
import { createRefreshRecord } from "./refresh-record.ts";
import { graceEnd } from "./refresh-time.ts";
import type { SessionEndings } from "./session-endings.ts";
import type { ConfirmSession, SessionRecord, Sessions } from "./sessions.ts";
import { createTurns } from "./turns.ts";

export type RefreshDeps = {
  readonly sessions: Pick<Sessions, "recordAt" | "replace">;
  readonly endings: Pick<SessionEndings, "endOne">;
  /** The one that the sessions came from. */
  readonly provider: {
    readonly id: string;
    readonly config: Pick<ProviderConfig, "name">;
    readonly requestRefresh: RefreshRequest;
    readonly verifyIdToken: IdTokenVerifier;
    readonly claimRules: ClaimRules;
  };
  /** Milliseconds past the expiry of the provider's tokens. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
};

/** What an answer of the provider says about the session. */
type Outcome =
  /** `person`: as of now; undefined when no ID token came. */
  | { readonly kind: "confirmed"; readonly person: RefreshedIdentity | undefined }
  | { readonly kind: "refused"; readonly what: string }
  /** Nothing, this time. */
  | { readonly kind: "unclear" | "unreachable"; readonly what: string };

/** Refreshes that are under way together, so that a provider is not flooded by everybody's. */
const AT_ONCE = 16;

export function createRefresh(deps: RefreshDeps): ConfirmSession {
  const { sessions, provider, clock, log } = deps;
  const attempts = createRefreshAttempts(provider.id, clock, log);
  const records = createRefreshRecord({ ...deps, provider: provider.id });
  const inTurn = createTurns(AT_ONCE);
  const flights = new Map<string, Promise<void>>();

  /** Joins the refresh of this session, or starts one if now is a time for it. Never rejects. */
  function fly(place: string, record: SessionRecord): Promise<void> {
    const flying = flights.get(place);
    if (flying !== undefined) return flying;
    const flight = inTurn(() => refresh(place, record)).finally(() => flights.delete(place));
    flights.set(place, flight);
    return flight;
  }

  async function refresh(place: string, { identity, details }: SessionRecord): Promise<void> {
    const { sid } = identity;
    const { refreshToken } = details.tokens;
    // Asked only when it is this one's turn: the provider may have gone away meanwhile.
    if (refreshToken === null || !attempts.begin(sid)) return;
    try {
      const outcome = await ask(place, refreshToken, identity);
      const answered = outcome.kind === "confirmed" || outcome.kind === "refused";
      if (answered) return attempts.ended(sid, "answered", "");
      log.warn({ sid, what: outcome.what }, "a session could not be refreshed");
      attempts.ended(sid, outcome.kind, outcome.what);
    } catch (error) {
      // The store, mostly. What the provider answered is lost; the next attempt asks again.
      const what = error instanceof Error ? error.message : String(error);
      log.error({ sid, error: what }, "a refresh was not kept");
      attempts.ended(sid, "unclear", what);
    }
  }

  async function ask(place: string, used: string, before: SessionRecord["identity"]): Promise<Outcome> {
    const came = await provider.requestRefresh(used);
    const outcome = came.ok ? await judge(came.value.idToken, before) : came.error;
    if (outcome.kind === "refused") await records.refused(place, used, outcome.what);
    else if (came.ok && outcome.kind === "confirmed") {
      await records.confirmed(place, used, came.value, outcome.person);
    } else if (came.ok) await records.unverified(place, used, came.value);
    return outcome;
  }

  async function judge(idToken: string | null, before: SessionRecord["identity"]): Promise<Outcome> {
    // OpenID Connect Core §12.2: there may be none.
    if (idToken === null) return { kind: "confirmed", person: undefined };
    const claims = await provider.verifyIdToken(idToken);
    if (!claims.ok) {
      const { error } = claims;
      if (error.kind === "unverifiable") return { kind: "unreachable", what: error.denial.code };
      // Signed by the provider, and yet another issuer's. All else may be its clock or its keys: that passes.
      const kind = error.fault === "wrong_issuer" ? "refused" : "unclear";
      return { kind, what: `id token: ${error.fault}` };
    }
    const person = refreshedIdentity(before, claims.value, provider.claimRules);
    return person.ok
      ? { kind: "confirmed", person: person.value }
      : { kind: "refused", what: `id token: ${person.error}` };
  }

  /** Whether the provider has been silent for longer than is borne. */
  function isOverdue({ details }: SessionRecord): boolean {
    const { refreshAt } = details.tokens;
    return refreshAt !== null && clock.now() >= graceEnd(refreshAt, deps.graceMs);
  }

  return async (place, record): ReturnType<ConfirmSession> => {
    const { refreshAt } = record.details.tokens;
    if (refreshAt === null || clock.now() < refreshAt) return ok(record);
    const flight = fly(place, record);
    if (!isOverdue(record)) return ok(record);
    // Nobody has used it for long, or the provider is silent: only its answer opens it again.
    await flight;
    const after = await sessions.recordAt(place);
    if (after === undefined) return err({ code: "session_ended", how: "ended" });
    if (!isOverdue(after.record)) return ok(after.record);
    const what = "the sign-in could not be confirmed";
    return err({ code: "provider_unavailable", provider: provider.config.name, what });
  };
}
