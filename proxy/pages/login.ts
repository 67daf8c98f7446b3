// The two routes of signing in, around the relying party: who is signed in already goes on, a return address is
// checked, a login that lost its browser's cookie to another tab starts once more, every outcome is audited.
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { type Audit, type AuditEvent, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { StoreUnavailable } from "../../core/store.ts";
import { type ClaimedIdentity, identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import type { Identify } from "../identify/identify.ts";
import type { Sessions } from "../identify/sessions.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { type LoginState, loginStateIn, MAX_RESTARTS, newLoginState, restartsIn } from "./login-state.ts";
import type { PageContext } from "./page-context.ts";
import { cookieAttributes, createRelyingParty, transactionCookieName } from "./relying-party.ts";
import { returnPath } from "./return-path.ts";

export const LOGIN_PATH = "/auth/login";

export type LoginDeps = {
  readonly config: Pick<FrontDoorConfig, "publicUrl" | "provider" | "groups" | "session" | "encryptionKey">;
  readonly cookieName: string;
  readonly sessions: Pick<Sessions, "create">;
  readonly identify: Identify;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly context: PageContext;
  readonly fetch: typeof fetch;
};

export type LoginRoutes = {
  readonly login: readonly RequestHandler[];
  readonly callback: readonly [RequestHandler, RequestHandler, ErrorRequestHandler];
};

/** A login begun longer ago is refused. */
const LOGIN_WITHIN_MS = 10 * 60_000;

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

  const relyingParty = createRelyingParty({
    config,
    cookieName: deps.cookieName,
    sessions: deps.sessions,
    fetch: deps.fetch,
    stateFor: (incoming, returnTo) =>
      newLoginState(returnTo, clock.now(), restartsIn(context.requestOf(incoming).query)),
    onProved: (incoming, claims, state) => admit(context.requestOf(incoming), claims, state),
  });

  function admit(
    request: ParsedRequest,
    claims: Readonly<Record<string, unknown>>,
    state: LoginState,
  ): ClaimedIdentity {
    if (clock.now() - state.startedAt > LOGIN_WITHIN_MS) {
      throw new LoginRefused({ code: "login_failed", what: "begun too long ago", restartable: true });
    }
    if (!deps.audit.accepting) throw new LoginRefused({ code: "audit_unavailable" });
    const login = identityFromClaims(String(claims["sub"]), claims, {
      issuer: config.provider.issuer,
      emailTrusted: config.provider.emailTrusted,
      groupsClaim: config.groups.claim,
      whenMissing: config.groups.whenMissing,
    });
    if (!login.ok) throw new LoginRefused(login.error);
    const { userId, email } = login.value;
    record(request, { outcome: "allowed", reason: config.provider.name, userId, email });
    return login.value;
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

  const start: RequestHandler = (incoming, response) => {
    const request = context.requestOf(incoming);
    if (!deps.audit.accepting) return context.refuse(request, response, { code: "audit_unavailable" });
    return response.oidc.login({ returnTo: `${publicUrl}${wantedPath(request, publicUrl)}` });
  };

  const failed: ErrorRequestHandler = (error, incoming, response, next) => {
    if (error instanceof StoreUnavailable) return next(error);
    const request = context.requestOf(incoming);
    const denial = error instanceof LoginRefused ? error.denial : denialOf(error, config.provider.name);
    record(request, {
      outcome: "denied",
      code: denial.code,
      reason: denial.code === "login_failed" ? denial.what : denial.code,
    });
    response.clearCookie(transactionCookieName(publicUrl), cookieAttributes(publicUrl));
    const restarts = loginStateIn(request.query)?.restarts ?? MAX_RESTARTS;
    if (denial.code !== "login_failed" || !denial.restartable || restarts >= MAX_RESTARTS) {
      return context.refuse(request, response, denial);
    }
    const query = new URLSearchParams({
      return_to: wantedPath(request, publicUrl),
      restarts: String(restarts + 1),
    });
    redirect(response, `${publicUrl}${LOGIN_PATH}?${query}`);
  };

  return { login: [goOnIfSignedIn, relyingParty, start], callback: [goOnIfSignedIn, relyingParty, failed] };
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

// The library tells its failures apart by the `error` and the text that it puts on a 400.
function denialOf(error: unknown, provider: string): Denial {
  const { error: code, error_description: description } = (error ?? {}) as Record<string, unknown>;
  const what = typeof code === "string" ? code : "unknown_error";
  if (isUnreachable(`${what} ${String(description)} ${error instanceof Error ? error.message : ""}`)) {
    return { code: "provider_unavailable", provider, what };
  }
  // What the provider itself answered (access_denied, …) would be answered again.
  return { code: "login_failed", what, restartable: !/^[a-z_]+$/.test(what) || what === "unknown_error" };
}

function isUnreachable(text: string): boolean {
  return /fetch failed|time[d ]*out|ECONN|ENOTFOUND|HTTP response|OAUTH_TIMEOUT|server_error/i.test(text);
}
