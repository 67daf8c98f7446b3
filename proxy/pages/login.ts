// The two routes of signing in, around the relying party: who is signed in already goes on, a return address is
// checked, a login that lost its browser's cookie to another tab starts once more, every outcome is audited.
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { type Audit, type AuditEvent, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { StoreUnavailable } from "../../core/store.ts";
import { type ClaimRules, identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import type { ProviderClock } from "../../token-exchange/provider-clock.ts";
import type { ProviderMetadataSource } from "../../token-exchange/provider-metadata.ts";
import type { Identify } from "../identify/identify.ts";
import { refreshTime } from "../identify/refresh-time.ts";
import type { SessionDetails, Sessions } from "../identify/sessions.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { type IdTokenVerifier, loginDenialOf } from "./id-token.ts";
import {
  type LoginState,
  loginStateIn,
  MAX_RESTARTS,
  newLoginState,
  rememberedLogin,
  restartsIn,
} from "./login-state.ts";
import { waitForOtherTab } from "./other-tab.ts";
import type { PageContext } from "./page-context.ts";
import {
  type AnsweredTokens,
  cookieAttributes,
  createRelyingParty,
  type StoreSession,
  transactionCookieName,
} from "./relying-party.ts";
import { returnPath } from "./return-path.ts";

export const LOGIN_PATH = "/auth/login";

export type LoginDeps = {
  readonly config: Pick<FrontDoorConfig, "publicUrl" | "provider" | "session" | "encryptionKey">;
  readonly cookieName: string;
  readonly sessions: Pick<Sessions, "create">;
  readonly identify: Identify;
  readonly provider: Pick<ProviderMetadataSource, "confirm">;
  readonly providerClock: Pick<ProviderClock, "tooFarApart">;
  readonly verifyIdToken: IdTokenVerifier;
  readonly claimRules: ClaimRules;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly context: PageContext;
  readonly fetch: typeof fetch;
};

export type LoginRoutes = {
  readonly login: readonly [RequestHandler, RequestHandler, RequestHandler, ErrorRequestHandler];
  readonly callback: readonly [RequestHandler, RequestHandler, RequestHandler, ErrorRequestHandler];
};

/** A login begun longer ago is refused. */
const LOGIN_WITHIN_MS = 10 * 60_000;

/** Shown in the list of one's sessions; more of it helps nobody to recognise a browser. */
const MAX_USER_AGENT = 256;

/** Carries a denial through the library to our error handler. */
class LoginRefused extends Error {
  readonly denial: Denial;
  constructor(denial: Denial) {
    super(denial.code);
    this.denial = denial;
  }
}

export function createLogin(deps: LoginDeps): LoginRoutes {
  const { config, clock, context } = deps;
  const { publicUrl } = config;
  const transaction = transactionCookieName(publicUrl);

  const relyingParty = createRelyingParty({
    config,
    cookieName: deps.cookieName,
    fetch: deps.fetch,
    stateFor: (incoming, returnTo) =>
      newLoginState(returnTo, clock.now(), restartsIn(context.requestOf(incoming).query)),
    onAnswer: (incoming, tokens, state) => admit(context.requestOf(incoming), tokens, state),
  });

  async function admit(
    request: ParsedRequest,
    tokens: AnsweredTokens,
    state: LoginState,
  ): Promise<StoreSession> {
    if (clock.now() - state.startedAt > LOGIN_WITHIN_MS) {
      throw new LoginRefused({ code: "login_expired" });
    }
    if (!deps.audit.accepting) throw new LoginRefused({ code: "audit_unavailable" });
    const claims = await deps.verifyIdToken(tokens.idToken);
    if (!claims.ok) throw new LoginRefused(loginDenialOf(claims.error));
    const login = identityFromClaims(claims.value.sub, claims.value, deps.claimRules);
    if (!login.ok) throw new LoginRefused(login.error);
    const { userId, email } = login.value;
    const { idToken, refreshToken, expiresAt } = tokens;
    const { sid: providerSid } = claims.value;
    const details: SessionDetails = {
      tokens: { idToken, refreshToken, refreshAt: refreshTime(refreshToken, expiresAt) },
      providerSid: typeof providerSid === "string" && providerSid !== "" ? providerSid : null,
      from: {
        peer: request.peer,
        userAgent: request.headers.get("user-agent")?.slice(0, MAX_USER_AGENT) ?? null,
      },
    };
    return async (handle) => {
      const sid = await deps.sessions.create(handle, login.value, details, state.startedAt);
      if (sid === undefined) {
        const what = "signed out at the provider meanwhile";
        throw new LoginRefused({ code: "login_failed", what, restartable: true });
      }
      record(request, { outcome: "allowed", reason: config.provider.name, userId, email, sid });
    };
  }

  function record(
    request: ParsedRequest,
    facts: Pick<AuditEvent, "outcome" | "reason"> & Partial<AuditEvent>,
  ) {
    const { id: requestId, peer, method, path } = request;
    deps.audit.record(auditEvent({ kind: "login", requestId, peer, method, path, ...facts }));
  }

  const goOnIfSignedIn: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    deps.identify(request).then((identity) => {
      if (identity.ok) redirect(response, `${publicUrl}${wantedPath(request, publicUrl)}`);
      else if (identity.error.code === "store_unavailable") context.refuse(request, response, identity.error);
      else next();
    }, next);
  };

  const start: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    if (!deps.audit.accepting) return context.refuse(request, response, { code: "audit_unavailable" });
    // The library takes an issuer with a slash more for the same one; ours compares bytes (Discovery §4.3).
    const login = async () => {
      const metadata = await deps.provider.confirm();
      if (!metadata.ok) return refuseStart(request, response, metadata.error);
      return response.oidc.login({ returnTo: `${publicUrl}${wantedPath(request, publicUrl)}` });
    };
    login().catch(next);
  };

  // What is left to go wrong here is the library's own request for the provider's metadata.
  const cannotStart: ErrorRequestHandler = (error, incoming, response, next) => {
    if (error instanceof StoreUnavailable) return next(error);
    const { name } = config.provider;
    const denial: Denial = { code: "provider_unavailable", provider: name, what: causeOf(error) };
    refuseStart(context.requestOf(incoming), response, denial);
  };

  function refuseStart(request: ParsedRequest, response: Response, denial: Denial) {
    const reason = denial.code === "provider_unavailable" ? denial.what : denial.code;
    record(request, { outcome: "denied", code: denial.code, reason });
    context.refuse(request, response, denial);
  }

  const failed: ErrorRequestHandler = (error, incoming, response, next) => {
    if (error instanceof StoreUnavailable) return next(error);
    const request = context.requestOf(incoming);
    const forgotten = remembered(request) === "none";
    const refused =
      error instanceof LoginRefused ? error.denial : denialOf(error, config.provider.name, forgotten);
    response.clearCookie(transaction, cookieAttributes(publicUrl));
    refuseCallback(request, response, causeInClocks(refused) ?? refused, (url) => redirect(response, url));
  };

  // The other tab's login is left alone: the library would take its record out of the browser, and neither would arrive.
  const ofAnotherTab: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    if (remembered(request) !== "another") return next();
    const denial: Denial = { code: "login_link_used", what: "another tab began a login", restartable: true };
    refuseCallback(request, response, denial, (url, restarts) => waitForOtherTab(response, restarts, url));
  };

  /** @param restart where the same login starts once more, and how often it was restarted already */
  function refuseCallback(
    request: ParsedRequest,
    response: Response,
    denial: Denial,
    restart: (url: string, restarts: number) => void,
  ): void {
    const reason = "what" in denial ? denial.what : denial.code;
    record(request, { outcome: "denied", code: denial.code, reason });
    const restarts = loginStateIn(request.query)?.restarts ?? MAX_RESTARTS;
    const login = new URLSearchParams({ return_to: wantedPath(request, publicUrl) });
    if (!isRestartable(denial) || restarts >= MAX_RESTARTS) {
      context.refuse(request, response, denial, { again: `${LOGIN_PATH}?${login}` });
    } else {
      login.set("restarts", String(restarts + 1));
      restart(`${publicUrl}${LOGIN_PATH}?${login}`, restarts);
    }
  }

  function remembered({ query, headers }: ParsedRequest) {
    return rememberedLogin(query, headers.get("cookie"), transaction);
  }

  // With clocks apart, a token that is valid looks expired, or not valid yet.
  function causeInClocks(denial: Denial): Denial | undefined {
    const offsetMs = deps.providerClock.tooFarApart();
    if (denial.code !== "login_failed" || offsetMs === undefined) return undefined;
    const offsetSeconds = Math.round(Math.abs(offsetMs) / 1000);
    return { code: "clock_skew", provider: config.provider.name, offsetSeconds };
  }

  return {
    login: [goOnIfSignedIn, relyingParty, start, cannotStart],
    callback: [goOnIfSignedIn, ofAnotherTab, relyingParty, failed],
  };
}

/** Where this login is to end: a path of this origin, whatever the query says. */
function wantedPath(request: ParsedRequest, publicUrl: string): string {
  if (request.path !== LOGIN_PATH) {
    const returnTo = loginStateIn(request.query)?.returnTo;
    return returnPath(
      returnTo?.startsWith(`${publicUrl}/`) ? returnTo.slice(publicUrl.length) : undefined,
      publicUrl,
    );
  }
  const wanted = new URLSearchParams(request.query).getAll("return_to");
  return returnPath(wanted.length === 1 ? wanted[0] : undefined, publicUrl);
}

function redirect(response: Response, url: string): void {
  response.set("cache-control", "no-store").redirect(303, url);
}

// The library wraps what went wrong; the innermost error says it.
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown_error";
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

// The library tells its failures apart by the `error` and the text that it puts on a 400.
function denialOf(error: unknown, provider: string, restartable: boolean): Denial {
  const { error: code, error_description: description } = (error ?? {}) as Record<string, unknown>;
  const what = typeof code === "string" ? code : "unknown_error";
  if (isUnreachable(`${what} ${String(description)} ${error instanceof Error ? error.message : ""}`)) {
    return { code: "provider_unavailable", provider, what };
  }
  // RFC 6749 §5.2: the code has expired, or was used.
  if (restartable || what === "invalid_grant") return { code: "login_link_used", what, restartable };
  return { code: "login_failed", what, restartable: false };
}

function isRestartable(denial: Denial): boolean {
  return denial.code === "login_expired" || ("restartable" in denial && denial.restartable);
}

function isUnreachable(text: string): boolean {
  return /fetch failed|time[d ]*out|ECONN|ENOTFOUND|HTTP response|OAUTH_TIMEOUT|server_error/i.test(text);
}
