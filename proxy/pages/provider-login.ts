// Signing in with one provider, around the relying party: an answer to another provider's login is refused, a login
// that lost its browser's cookie to another tab starts once more, every outcome is audited.
import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from "express";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { type Audit, type AuditEvent, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { StoreUnavailable } from "../../core/store.ts";
import { identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import { refreshTime } from "../identify/refresh-time.ts";
import type { SessionDetails, Sessions } from "../identify/sessions.ts";
import type { ProviderSide } from "../provider-side.ts";
import { denialReason } from "../refuse/denial-reason.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { loginDenialOf } from "./id-token.ts";
import type { LastProvider } from "./last-provider.ts";
import { callbackPath, loginPath, wantedPath } from "./login-path.ts";
import {
  type LoginState,
  loginStateIn,
  MAX_RESTARTS,
  newLoginState,
  rememberedLogin,
  restartsIn,
  returnAfter,
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

export type ProviderLoginDeps = {
  readonly config: Pick<FrontDoorConfig, "publicUrl" | "session" | "encryptionKey">;
  readonly provider: Pick<
    ProviderSide,
    "id" | "config" | "metadata" | "providerClock" | "providerFetch" | "verifyIdToken" | "claimRules"
  >;
  /** Whether there are others: people then choose, and come back to an address of this provider's own. */
  readonly several: boolean;
  readonly lastProvider: LastProvider;
  readonly cookieName: string;
  readonly sessions: Pick<Sessions, "create">;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly context: PageContext;
};

/** Both are for who is not signed in. */
export type ProviderLogin = {
  readonly id: string;
  readonly issuer: string;
  readonly name: string;
  readonly callbackPath: string;
  readonly start: RequestHandler;
  readonly callback: RequestHandler;
  /** Whether the newest request to the provider failed. It is asked anew meanwhile, for the next time. */
  readonly isSilent: () => boolean;
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

export function createProviderLogin(deps: ProviderLoginDeps): ProviderLogin {
  const { config, provider, several, clock, context } = deps;
  const { id, metadata } = provider;
  const { name, issuer } = provider.config;
  const { publicUrl } = config;
  const transaction = transactionCookieName(publicUrl);
  const ownCallback = callbackPath(id, several);

  const relyingParty = createRelyingParty({
    config,
    provider: provider.config,
    callbackPath: ownCallback,
    cookieName: deps.cookieName,
    fetch: provider.providerFetch,
    stateFor: (incoming, returnTo) =>
      newLoginState(id, returnTo, clock.now(), restartsIn(context.requestOf(incoming).query)),
    onAnswer: (incoming, response, tokens, state) =>
      admit(context.requestOf(incoming), response, tokens, state),
  });

  async function admit(
    request: ParsedRequest,
    response: Response,
    tokens: AnsweredTokens,
    state: LoginState,
  ): Promise<StoreSession> {
    if (clock.now() - state.startedAt > LOGIN_WITHIN_MS) {
      throw new LoginRefused({ code: "login_expired" });
    }
    if (!deps.audit.accepting) throw new LoginRefused({ code: "audit_unavailable" });
    const claims = await provider.verifyIdToken(tokens.idToken);
    if (!claims.ok) throw new LoginRefused(loginDenialOf(claims.error));
    const login = identityFromClaims(claims.value.sub, claims.value, provider.claimRules);
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
    if (several) deps.lastProvider.remember(response, id);
    return async (handle) => {
      const sid = await deps.sessions.create(handle, login.value, details, state.startedAt);
      if (sid === undefined) {
        const what = "signed out at the provider meanwhile";
        throw new LoginRefused({ code: "login_failed", what, restartable: true });
      }
      record(request, { outcome: "allowed", reason: name, userId, email, sid });
    };
  }

  function record(
    request: ParsedRequest,
    facts: Pick<AuditEvent, "outcome" | "reason"> & Partial<AuditEvent>,
  ) {
    const { id: requestId, peer, method, path } = request;
    deps.audit.record(auditEvent({ kind: "login", provider: id, requestId, peer, method, path, ...facts }));
  }

  const start: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    if (!deps.audit.accepting) return context.refuse(request, response, { code: "audit_unavailable" });
    // The library takes an issuer with a slash more for the same one; ours compares bytes (Discovery §4.3).
    const login = async () => {
      const answers = await metadata.confirm();
      if (!answers.ok) return refuseStart(request, response, answers.error);
      return response.oidc.login({ returnTo: `${publicUrl}${wantedPath(request, publicUrl)}` });
    };
    login().catch(next);
  };

  // What is left to go wrong here is the library's own request for the provider's metadata.
  const cannotStart: ErrorRequestHandler = (error, incoming, response, next) => {
    if (error instanceof StoreUnavailable) return next(error);
    const denial: Denial = { code: "provider_unavailable", provider: name, what: causeOf(error) };
    refuseStart(context.requestOf(incoming), response, denial);
  };

  function refuseStart(request: ParsedRequest, response: Response, denial: Denial) {
    const reason = denial.code === "provider_unavailable" ? denial.what : denialReason(denial);
    record(request, { outcome: "denied", code: denial.code, reason });
    context.refuse(request, response, denial, choiceOf(wantedPath(request, publicUrl)));
  }

  /** The way to the other providers. */
  function choiceOf(returnTo: string): { readonly choice?: string } {
    return several ? { choice: loginPath({ returnTo }) } : {};
  }

  const failed: ErrorRequestHandler = (error, incoming, response, next) => {
    if (error instanceof StoreUnavailable) return next(error);
    const request = context.requestOf(incoming);
    const forgotten = remembered(request) === "none";
    const refused = error instanceof LoginRefused ? error.denial : denialOf(error, name, forgotten);
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

  // RFC 9700 §4.4: a provider that sends people on to another one would get that one's code from us. The library holds
  // the state of the address equal to the browser's record before it asks for tokens.
  const ofAnotherProvider: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    const begunAt = loginStateIn(request.query)?.provider;
    if (begunAt === undefined || begunAt === id) return next();
    response.clearCookie(transaction, cookieAttributes(publicUrl));
    const denial: Denial = { code: "login_failed", what: "mix_up", restartable: false };
    refuseCallback(request, response, denial, (url) => redirect(response, url));
  };

  /** @param restart where the same login starts once more, and how often it was restarted already */
  function refuseCallback(
    request: ParsedRequest,
    response: Response,
    denial: Denial,
    restart: (url: string, restarts: number) => void,
  ): void {
    const reason = "what" in denial ? denial.what : denialReason(denial);
    record(request, { outcome: "denied", code: denial.code, reason });
    const restarts = loginStateIn(request.query)?.restarts ?? MAX_RESTARTS;
    const returnTo = returnAfter(request.query, publicUrl);
    const again = { returnTo, provider: several ? id : undefined };
    if (!isRestartable(denial) || restarts >= MAX_RESTARTS) {
      context.refuse(request, response, denial, { again: loginPath(again), ...choiceOf(returnTo) });
    } else {
      restart(`${publicUrl}${loginPath({ ...again, restarts: restarts + 1 })}`, restarts);
    }
  }

  function remembered({ query, headers }: ParsedRequest) {
    return rememberedLogin(query, headers.get("cookie"), transaction);
  }

  // With clocks apart, a token that is valid looks expired, or not valid yet.
  function causeInClocks(denial: Denial): Denial | undefined {
    const offsetMs = provider.providerClock.tooFarApart();
    if (denial.code !== "login_failed" || offsetMs === undefined) return undefined;
    const offsetSeconds = Math.round(Math.abs(offsetMs) / 1000);
    return { code: "clock_skew", provider: name, offsetSeconds };
  }

  return {
    id,
    issuer,
    name,
    callbackPath: ownCallback,
    start: Router().use(relyingParty, start, cannotStart),
    callback: Router().use(ofAnotherTab, ofAnotherProvider, relyingParty, failed),
    isSilent() {
      const silent = metadata.state() === "down";
      if (silent) void metadata.confirm();
      return silent;
    },
  };
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
