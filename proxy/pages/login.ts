// The routes of signing in: who is signed in already goes on; the others go to the provider, or choose one first.
import type { RequestHandler, Response } from "express";
import type { Identify } from "../identify/identify.ts";
import type { LastProvider } from "./last-provider.ts";
import { LOGIN_PATH, loginPath, namedProvider, wantedPath } from "./login-path.ts";
import { returnAfter } from "./login-state.ts";
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
  readonly context: PageContext;
};

/** Path and handlers of each. */
export type LoginRoutes = readonly { readonly path: string; readonly handlers: readonly RequestHandler[] }[];

export function createLogin(deps: LoginDeps): LoginRoutes {
  const { publicUrl, providers, lastProvider, context } = deps;

  const goOnIfSignedIn: RequestHandler = (incoming, response, next) => {
    const request = context.requestOf(incoming);
    deps.identify(request).then((identity) => {
      const wanted =
        request.path === LOGIN_PATH ? wantedPath(request, publicUrl) : returnAfter(request.query, publicUrl);
      if (identity.ok) response.set("cache-control", "no-store").redirect(303, `${publicUrl}${wanted}`);
      else if (identity.error.code === "store_unavailable") context.refuse(request, response, identity.error);
      else next();
    }, next);
  };

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
