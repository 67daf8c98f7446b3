// The page application, put together from its handlers.
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store.ts";
import { createProviderLogouts } from "../token-exchange/provider-logouts.ts";
import { createLogoutTokenVerifier } from "../token-exchange/verify-logout-token.ts";
import { createProviderTokenVerifier } from "../token-exchange/verify-provider-token.ts";
import { createAsserter } from "./assert/assert.ts";
import type { Leaves } from "./leaves.ts";
import { createBackchannelLogout } from "./pages/backchannel-logout.ts";
import { createLogin } from "./pages/login.ts";
import { createLogout } from "./pages/logout.ts";
import { createMySessions } from "./pages/my-sessions.ts";
import { createPageApp, type PageApp } from "./pages/page-app.ts";
import { createPageContext } from "./pages/page-context.ts";
import { securityHeaders } from "./pages/security-headers.ts";
import { readStaticPages } from "./pages/static-pages.ts";
import { createTokenEndpoint } from "./pages/token.ts";
import { createTold } from "./pages/told.ts";
import { namesInForce } from "./policy/names-in-force.ts";
import type { Readiness } from "./private-server.ts";
import { sessionCookieName } from "./request/cookie.ts";
import { createRouter } from "./route/pick-endpoint.ts";

export type PageParts = {
  readonly config: FrontDoorConfig;
  readonly leaves: Leaves;
  readonly store: Store;
  readonly webFolder: string;
  readonly readiness: () => Readiness;
  readonly clock: Clock;
  readonly log: Log;
};

export function composePages(parts: PageParts): PageApp {
  const { config, leaves, store, webFolder, readiness, clock, log } = parts;
  const { publicUrl, provider, contact } = config;
  const { audit, keyring, metadata, policy, sessions, endings, identify, attempts, events, homes, health } =
    leaves;
  const access = () => policy.current().access;
  const table = () => policy.current().routing;
  const context = createPageContext({ contact, names: namesInForce(policy) });
  const cookieName = sessionCookieName(publicUrl);
  const logout = createLogout({
    sessions,
    endings,
    provider: metadata,
    clientId: provider.clientId,
    publicUrl,
    cookieName,
    audit,
    identify,
    refuse: context.refuse,
  });
  return createPageApp({
    securityHeaders: securityHeaders(publicUrl),
    context,
    identify,
    login: createLogin({
      config,
      cookieName,
      sessions,
      identify,
      provider: metadata,
      providerClock: leaves.providerClock,
      verifyIdToken: leaves.verifyIdToken,
      claimRules: leaves.claimRules,
      audit,
      clock,
      context,
      fetch: leaves.providerFetch,
    }),
    logout,
    backchannelLogout: createBackchannelLogout({
      issuer: provider.issuer,
      verifyLogoutToken: createLogoutTokenVerifier({ provider, metadata, clock }),
      logouts: createProviderLogouts(store, clock),
      index: leaves.index,
      endings,
      audit,
      context,
      clock,
      bodyBytes: config.limits.pageBodyBytes,
    }),
    token: createTokenEndpoint({
      exchange: provider.bearer && {
        verifyProviderToken: createProviderTokenVerifier({
          provider,
          rules: provider.bearer,
          metadata,
          clock,
        }),
        claimRules: leaves.claimRules,
        sessions: leaves.bearerSessions,
        keyring,
        publicUrl,
        absoluteMs: config.session.absolute,
        clock,
      },
      access,
      appliedEvent: events.applied,
      attempts,
      audit,
      publicUrl,
      refuse: context.refuse,
    }),
    me: { access, table, homes, stateOf: leaves.endpointState, lastUse: leaves.lastUse, live: leaves.live },
    told: createTold({
      identify,
      access,
      table,
      route: createRouter({ homeOf: homes.of, health }),
      assert: createAsserter({ keyring, clock, publicUrl, groupsClaim: config.groups.claim }),
      audit,
      refuse: context.refuse,
    }),
    mySessions: createMySessions({
      identify,
      sessionList: leaves.sessionList,
      endings,
      logout,
      audit,
      refuse: context.refuse,
    }),
    keyring,
    pages: readStaticPages(webFolder, contact),
    readiness,
    audit,
    log,
  });
}
