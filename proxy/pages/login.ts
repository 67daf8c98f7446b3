// The routes of signing in: who is signed in already goes on, unless it is with another provider than the one asked for;
// the others go to the provider, or choose one first.
import type { RequestHandler, Response } from "express";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import type { Identity } from "../../core/identity.ts";
import type { Identify } from "../identify/identify.ts";
import { denialReason } from "../refuse/denial-reason.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { LastProvider } from "./last-provider.ts";
import { LOGIN_PATH, loginPath, namedProvider, wantedPath } from "./login-path.ts";
import { loginStateIn, returnAfter } from "./login-state.ts";
import type { PageContext } from "./page-context.ts";
import { providerChoicePage } from "./provider-choice.ts";
import type { ProviderLogin } from "./provider-login.ts";
import { cookieAttributes } from "./relying-party.ts";

export type LoginDeps = {
  readonly publicUrl: string;
  /** Of the session. */
  readonly cookieName: string;
  /** At least one; the order is that of the choice. */
  readonly providers: readonly ProviderLogin[];
  readonly lastProvider: LastProvider;
  readonly identify: Identify;
  readonly audit: Audit;
  readonly context: PageContext;
};

/** Path and handlers of each. */
export type LoginRoutes = readonly { readonly path: string; readonly handlers: readonly RequestHandler[] }[];

export function createLogin(deps: LoginDeps): LoginRoutes {
  const { publicUrl, providers, lastProvider, context } = deps;

  const goOnIfSignedIn: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    const isBeginning = request.path === LOGIN_PATH;
    const wanted = isBeginning ? wantedPath(request, publicUrl) : returnAfter(request.query, publicUrl);
    const named = isBeginning ? namedProvider(request) : loginStateIn(request.query)?.provider;
    deps.identify(request).then((identity) => {
      if (!identity.ok) {
        if (identity.error.code !== "store_unavailable") return next();
        return context.refuse(request, response, identity.error);
      }
      const denial = otherwiseThan(named, identity.value);
      if (denial === undefined)
        return response.set("cache-control", "no-store").redirect(303, `${publicUrl}${wanted}`);
      record(request, identity.value, denial, named);
      context.refuse(request, response, denial, { identity: identity.value, again: wanted });
    }, next);
  };

  // Going on in silence would let somebody take the one account for the other.
  function otherwiseThan(named: string | undefined, { issuer }: Identity): Denial | undefined {
    const wanted = providers.find(({ id }) => id === named);
    const own = providers.find((provider) => provider.issuer === issuer);
    if (wanted === undefined || own === undefined || wanted === own) return undefined;
    return { code: "signed_in_otherwise", provider: wanted.name, signedInWith: own.name };
  }

  function record(request: ParsedRequest, identity: Identity, denial: Denial, provider: string | undefined) {
    const { id: requestId, peer, method, path } = request;
    const { userId, email, sid } = identity;
    const { code } = denial;
    const asked = { provider: provider ?? null, requestId, peer, method, path };
    const reason = denialReason(denial);
    deps.audit.record(
      auditEvent({ kind: "login", outcome: "denied", code, reason, userId, email, sid, ...asked }),
    );
  }

  const begin: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    const named = namedProvider(request);
    const chosen = providers.length === 1 ? providers[0] : providers.find(({ id }) => id === named);
    if (chosen !== undefined) return void chosen.start(incoming, response, next);
    // Whoever is to sign in has no session: a cookie that says otherwise goes (S57).
    if (request.credential.kind !== "none")
      response.clearCookie(deps.cookieName, cookieAttributes(publicUrl));
    showChoice(response, wantedPath(request, publicUrl), lastProvider.of(request));
  };

  function showChoice(response: Response, returnTo: string, last: string | undefined) {
    const choices = providers.map(({ id, name, isSilent }) => {
      return { id, name, silent: isSilent(), href: loginPath({ returnTo, provider: id }) };
    });
    response.type("html").send(providerChoicePage(choices, last, context.contact));
  }

  return [
    { path: LOGIN_PATH, handlers: [goOnIfSignedIn, begin] },
    ...providers.map(({ callbackPath, callback }) => ({
      path: callbackPath,
      handlers: [goOnIfSignedIn, callback],
    })),
  ];
}
