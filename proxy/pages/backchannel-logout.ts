// POST /auth/backchannel-logout: a provider itself says that somebody signed out (OpenID Connect Back-Channel
// Logout 1.0). It comes from a server: no cookie is read, the token is all that counts.
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from "express";
import { type Audit, type AuditEvent, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { SessionId } from "../../core/ids.ts";
import { userIdOf } from "../../core/ids.ts";
import { claimedIssuer } from "../../token-exchange/claimed-issuer.ts";
import type { ProviderLogouts } from "../../token-exchange/provider-logouts.ts";
import type { FoundSession, SessionIndex } from "../../token-exchange/session-index.ts";
import type { LogoutToken } from "../../token-exchange/verify-logout-token.ts";
import type { Ended, SessionEndings } from "../identify/session-endings.ts";
import type { ProviderSide } from "../provider-side.ts";
import type { PageContext } from "./page-context.ts";

export const BACKCHANNEL_LOGOUT_PATH = "/auth/backchannel-logout";

export type BackchannelLogoutDeps = {
  /** By issuer. */
  readonly providers: ReadonlyMap<string, Pick<ProviderSide, "id" | "verifyLogoutToken">>;
  readonly logouts: ProviderLogouts;
  readonly index: Pick<SessionIndex, "ofProviderSession">;
  /** Undefined for a session that does not live. */
  readonly identityOf: (sid: SessionId) => Promise<VerifiedIdentity | undefined>;
  readonly endings: Pick<SessionEndings, "endOf" | "endAll">;
  readonly audit: Audit;
  readonly context: PageContext;
  readonly clock: Clock;
  /** Of the request's body at most. */
  readonly bodyBytes: number;
};

export type BackchannelLogoutRoute = readonly [
  RequestHandler,
  RequestHandler,
  RequestHandler,
  ErrorRequestHandler,
];

/** A provider sends it at once; anybody else could hold a connection for ever with half of it. */
export const BODY_WITHIN_MS = 10_000;

export function createBackchannelLogout(deps: BackchannelLogoutDeps): BackchannelLogoutRoute {
  const { context, logouts } = deps;

  const handler: RequestHandler = (incoming, response, next) => {
    signOut(incoming, response).catch(next);
  };

  async function signOut(incoming: express.Request, response: Response): Promise<void> {
    const token = tokenIn(incoming.body);
    if (token === undefined) return refuse(incoming, response, "not one logout_token");
    const claimed = claimedIssuer(token, deps.providers);
    if (!claimed.ok) return refuse(incoming, response, claimed.error);
    const { id: provider, verifyLogoutToken } = claimed.value;
    const verified = await verifyLogoutToken(token);
    if (!verified.ok) {
      const { error } = verified;
      if (error.kind === "invalid") return refuse(incoming, response, error.what);
      // Not 400: the provider may try again.
      return context.refuse(context.requestOf(incoming), response, error.denial);
    }
    const { issuer, jti, acceptableUntil } = verified.value;
    if (await logouts.seen(issuer, jti)) return refuse(incoming, response, "replayed");
    const ended = await endSessions(verified.value);
    // Last, so that a token whose ends could not be written is accepted once more.
    if (!(await logouts.remember(issuer, jti, acceptableUntil)))
      return refuse(incoming, response, "replayed");
    const reason = "provider_signed_out";
    const concerned: readonly (SessionId | null)[] = ended.sids.length === 0 ? [null] : ended.sids;
    for (const sid of concerned)
      record(incoming, { outcome: "allowed", reason, sid, provider, event: ended.eventNumber });
    response.status(200).end();
  }

  /** The mark comes first: a login that is not in the index yet finds it. */
  async function endSessions({ issuer, subject, providerSid }: LogoutToken): Promise<Ended> {
    const user = subject === null ? undefined : userIdOf(issuer, subject);
    if (providerSid !== null) {
      await logouts.mark({ issuer, providerSid });
      const found = await sessionsOf(issuer, providerSid);
      // §2.6: with both, only what belongs to both.
      const concerned = found.filter(({ userId }) => user === undefined || userId === user);
      return deps.endings.endAll(concerned, "provider_signed_out");
    }
    if (user === undefined) throw new TypeError("a logout token without sub and sid");
    await logouts.mark({ user });
    return deps.endings.endOf(user, () => true, "provider_signed_out");
  }

  /** A provider's session may have the name of another provider's: only its own are its to end. */
  async function sessionsOf(issuer: string, providerSid: string): Promise<readonly FoundSession[]> {
    const found = await deps.index.ofProviderSession(providerSid);
    const identities = await Promise.all(found.map(({ sid }) => deps.identityOf(sid)));
    return found.filter((_, index) => identities[index]?.issuer === issuer);
  }

  /** §2.8. What exactly was wrong stands in the audit log. */
  function refuse(incoming: express.Request, response: Response, what: string): void {
    record(incoming, { outcome: "denied", reason: `logout token: ${what}` });
    response.status(400).json({ error: "invalid_request" });
  }

  function record(
    incoming: express.Request,
    facts: Pick<AuditEvent, "outcome" | "reason"> & Partial<AuditEvent>,
  ) {
    const { id: requestId, peer, method, path } = context.requestOf(incoming);
    deps.audit.record(auditEvent({ kind: "logout", requestId, peer, method, path, ...facts }));
  }

  // A body too long, cut short, or of an encoding that nobody asked for.
  const unreadable: ErrorRequestHandler = (error, incoming, response, next) => {
    if (!isBodyError(error)) return next(error);
    refuse(incoming, response, "unreadable body");
  };

  const awaitBody: RequestHandler = (incoming, response, next) => {
    const { expect, "content-length": length } = incoming.headers;
    if (expect !== undefined && Number(length) <= deps.bodyBytes) response.writeContinue();
    const cancel = deps.clock.after(BODY_WITHIN_MS, () => incoming.destroy());
    incoming.once("close", cancel);
    next();
  };

  const readBody = express.text({
    type: "application/x-www-form-urlencoded",
    limit: deps.bodyBytes,
    inflate: false,
  });
  return [awaitBody, readBody, handler, unreadable];
}

/** S52: of two tokens, one reader would take the first and another the last. */
function tokenIn(body: unknown): string | undefined {
  if (typeof body !== "string") return undefined;
  const tokens = new URLSearchParams(body).getAll("logout_token");
  return tokens.length === 1 ? tokens[0] : undefined;
}

function isBodyError(error: unknown): boolean {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === "number" && status < 500;
}
