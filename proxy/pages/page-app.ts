// The express application of everything that is not forwarded: signing in and out, pages, the door's own API.
// Requests reach it parsed and checked by the first stage.
import type { IncomingMessage, ServerResponse } from "node:http";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import type { Audit } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { Log } from "../../core/log.ts";
import { StoreUnavailable } from "../../core/store.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";
import { evaluate } from "../decide/decide.ts";
import { grantsOf } from "../decide/grants.ts";
import { decisionLine } from "../decision-line.ts";
import type { Identify } from "../identify/identify.ts";
import { page } from "../refuse/page.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { BACKCHANNEL_LOGOUT_PATH, type BackchannelLogoutRoute } from "./backchannel-logout.ts";
import type { LoginRoutes } from "./login.ts";
import { loginPath } from "./login-path.ts";
import { SIGNED_OUT_PATH } from "./logout.ts";
import { describeMe, type MeDeps } from "./me.ts";
import { MY_SESSIONS_PATH, type MySessions } from "./my-sessions.ts";
import { handle, type PageContext, type PageHandler } from "./page-context.ts";
import type { StaticPages } from "./static-pages.ts";
import { TOLD_PATH } from "./told.ts";

export type PageAppDeps = {
  readonly securityHeaders: Readonly<Record<string, string>>;
  readonly context: PageContext;
  readonly identify: Identify;
  readonly login: LoginRoutes;
  readonly logout: PageHandler;
  readonly backchannelLogout: BackchannelLogoutRoute;
  readonly token: PageHandler;
  readonly told: PageHandler;
  readonly me: MeDeps;
  readonly mySessions: MySessions;
  readonly keyring: Keyring;
  readonly pages: StaticPages;
  readonly readiness: () => { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
  readonly audit: Audit;
  readonly log: Log;
};

export type PageApp = (request: ParsedRequest, incoming: IncomingMessage, response: ServerResponse) => void;

export function createPageApp(deps: PageAppDeps): PageApp {
  const { context } = deps;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  // One spelling of each path, as handlers, return addresses and proxies in front compare them.
  app.enable("case sensitive routing");
  app.enable("strict routing");
  app.use((incoming, response, next) => {
    // What may be kept says so itself; sign-in redirects and refusals may not.
    response.set({
      ...deps.securityHeaders,
      "x-request-id": context.requestOf(incoming).id,
      "cache-control": "no-store",
    });
    next();
  });

  const on = (
    method: "get" | "post" | "delete",
    path: string,
    ...handlers: readonly (RequestHandler | ErrorRequestHandler)[]
  ) => {
    app[method](path, ...(handlers as RequestHandler[]));
    refuseOthers(path, [method.toUpperCase()]);
  };
  const refuseOthers = (path: string, allow: readonly string[]) =>
    app.all(
      path,
      handle(context, (request, response) =>
        context.refuse(request, response, { code: "method_not_allowed", method: request.method, allow }),
      ),
    );
  on("get", "/", handle(context, signedIn(deps.pages.portal)));
  on(
    "get",
    "/chat/:agent",
    handle(
      context,
      signedIn(deps.pages.chat, ([, agent = ""]) => agent),
    ),
  );
  app.use("/assets", deps.pages.assets);
  for (const { path, handlers } of deps.login) on("get", path, ...handlers);
  on("post", "/auth/logout", handle(context, deps.logout));
  on("post", BACKCHANNEL_LOGOUT_PATH, ...deps.backchannelLogout);
  on(
    "get",
    SIGNED_OUT_PATH,
    handle(context, (_request, response) => void response.send(SIGNED_OUT)),
  );
  on("get", "/api/me", handle(context, me));
  app.get(MY_SESSIONS_PATH, handle(context, deps.mySessions.list));
  app.delete(MY_SESSIONS_PATH, handle(context, deps.mySessions.endOthers));
  refuseOthers(MY_SESSIONS_PATH, ["GET", "DELETE"]);
  on("delete", `${MY_SESSIONS_PATH}/:sid`, handle(context, deps.mySessions.endOne));
  on("get", `${TOLD_PATH}/:agent`, handle(context, deps.told));
  on("get", "/api/token", handle(context, deps.token));
  on(
    "get",
    "/.well-known/jwks.json",
    handle(context, (_request, response) => {
      response.set("cache-control", "public, max-age=300").json({ keys: deps.keyring.publicKeys() });
    }),
  );
  on(
    "get",
    "/healthz",
    handle(context, (_request, response) => void response.json({ status: "ok" })),
  );
  on(
    "get",
    "/readyz",
    handle(context, (_request, response) => {
      const state = deps.readiness();
      response
        .status(state.ready ? 200 : 503)
        .set("cache-control", "no-store")
        .json(state);
    }),
  );
  app.use(
    handle(context, (request, response) => context.refuse(request, response, { code: "path_unknown" })),
  );
  app.use(lastResort);

  return (request, incoming, response) => {
    context.attach(incoming, request);
    // What express routes by is what the first stage checked.
    incoming.url = `${request.path}${request.query}`;
    // The relying-party library builds URLs from these, and nobody vouches for them (S20).
    for (const name of Object.keys(incoming.headers)) {
      if (name.startsWith("x-forwarded-")) delete incoming.headers[name];
    }
    // Draining a body that no page reads could go on for ever: the connection ends with the answer.
    if (hasBody(request)) response.setHeader("connection", "close");
    app(incoming, response);
  };

  /** @param agentIn names the agent that the page is about, if it is about one, by the segments of its path */
  function signedIn(html: string, agentIn?: (segments: readonly string[]) => string): PageHandler {
    return async (request, response) => {
      const identity = await deps.identify(request);
      const denial = identity.ok
        ? denialFor(request, identity.value, agentIn?.(request.segments))
        : identity.error;
      if (denial === undefined) {
        response.set("cache-control", "no-store").type("html").send(html);
      } else if (request.kind === "navigation" && needsLogin(denial)) {
        const returnTo = `${request.path}${request.query}`;
        response.set("cache-control", "no-store").redirect(302, loginPath({ returnTo }));
      } else {
        context.refuse(request, response, denial, identity.ok ? { identity: identity.value } : {});
      }
    };
  }

  function denialFor(request: ParsedRequest, identity: VerifiedIdentity, agent?: string): Denial | undefined {
    const access = deps.me.access();
    const allowed =
      agent === undefined ? grantsOf(identity, access) : evaluate(identity, { kind: "agent", agent }, access);
    if (allowed.ok) return undefined;
    const trail = agent === undefined ? { identity } : { identity, agent };
    deps.audit.record(decisionLine(request, trail, allowed.error));
    return allowed.error;
  }

  async function me(request: ParsedRequest, response: express.Response): Promise<void> {
    const identity = await deps.identify(request);
    if (!identity.ok) return context.refuse(request, response, identity.error);
    const denial = denialFor(request, identity.value);
    if (denial !== undefined) return context.refuse(request, response, denial);
    const answer = await describeMe(identity.value, deps.me);
    if (answer.ok) response.set("cache-control", "no-store").json(answer.value);
    else context.refuse(request, response, answer.error);
  }

  // Express knows an error handler by its four parameters.
  function lastResort(
    error: unknown,
    incoming: express.Request,
    response: express.Response,
    _next: express.NextFunction,
  ): void {
    const request = context.requestOf(incoming);
    if (!(error instanceof StoreUnavailable)) {
      deps.log.error({ requestId: request.id, path: request.path, error: describe(error) }, "a page failed");
    }
    if (response.headersSent) return void response.destroy();
    context.refuse(request, response, {
      code: error instanceof StoreUnavailable ? "store_unavailable" : "internal_error",
    });
  }
}

function hasBody({ headers }: ParsedRequest): boolean {
  return headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
}

function needsLogin(denial: Denial): boolean {
  return denial.code === "session_missing" || denial.code === "session_ended";
}

// Message and stack only: an error's other fields may hold what a provider answered.
function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const SIGNED_OUT = page(
  "Signed out",
  `<article class="panel refusal">
<h1>You are signed out</h1>
<p>Your session and every open chat of it have ended.</p>
<p class="actions"><a class="button primary" href="/">Sign in again</a></p>
</article>`,
);
