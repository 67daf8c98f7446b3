// The page application, put together from its handlers.
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store.ts";
import { createProviderLogouts } from "../token-exchange/provider-logouts.ts";
import { chooseProviderTokenVerifier } from "../token-exchange/verify-provider-token.ts";
import { createAsserter } from "./assert/assert.ts";
import type { Leaves } from "./leaves.ts";
import { createBackchannelLogout } from "./pages/backchannel-logout.ts";
import { createLastProvider } from "./pages/last-provider.ts";
import { createLogin } from "./pages/login.ts";
import { createLogout } from "./pages/logout.ts";
import { createMySessions } from "./pages/my-sessions.ts";
import { createPageApp, type PageApp } from "./pages/page-app.ts";
import { createPageContext } from "./pages/page-context.ts";
import { createProviderLogin } from "./pages/provider-login.ts";
import { securityHeaders } from "./pages/security-headers.ts";
import { readStaticPages } from "./pages/static-pages.ts";
import { createTokenEndpoint } from "./pages/token.ts";
import { createTold } from "./pages/told.ts";
import type { Readiness } from "./private-server.ts";
import { groupsClaims } from "./provider-sides.ts";
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
  const { publicUrl, contact } = config;
  const { audit, keyring, providers, policy, names, sessions, endings, identify, attempts, events } = leaves;
  const { homes, health } = leaves;
  const access = () => policy.current().access;
  const table = () => policy.current().routing;
  const context = createPageContext({ contact, names });
  const lastProvider = createLastProvider(publicUrl);
  const bearers = new Map(
    providers.all.flatMap(({ config: { issuer }, verifyAccessToken }) =>
      verifyAccessToken === undefined ? [] : [[issuer, verifyAccessToken] as const],
    ),
  );
  const cookieName = sessionCookieName(publicUrl);
  const logout = createLogout({
    sessions,
    endings,
    providers,
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
      publicUrl,
      cookieName,
      providers: providers.all.map((provider) =>
        createProviderLogin({
          config,
          provider,
          several: providers.all.length > 1,
          lastProvider,
          cookieName,
          sessions,
          audit,
          clock,
          context,
        }),
      ),
      lastProvider,
      identify,
      audit,
      context,
    }),
    logout,
    backchannelLogout: createBackchannelLogout({
      providers: providers.byIssuer,
      logouts: createProviderLogouts(store, clock),
      index: leaves.index,
      identityOf: leaves.identityOf,
      endings,
      audit,
      context,
      clock,
      bodyBytes: config.limits.pageBodyBytes,
    }),
    token: createTokenEndpoint({
      exchange:
        bearers.size === 0
          ? undefined
          : {
              verifyProviderToken: chooseProviderTokenVerifier(bearers),
              claimRulesOf: (issuer) => providers.byIssuer.get(issuer)?.claimRules,
              sessions: leaves.bearerSessions,
              keyring,
              publicUrl,
              absoluteMs: config.session.absolute,
              clock,
            },
      providerOf: (issuer) => providers.byIssuer.get(issuer)?.id ?? null,
      access,
      appliedEvent: events.applied,
      attempts,
      audit,
      publicUrl,
      refuse: context.refuse,
    }),
    me: {
      access,
      table,
      homes,
      stateOf: leaves.endpointState,
      lastUse: leaves.lastUse,
      live: leaves.live,
      providerName: names.provider,
    },
    told: createTold({
      identify,
      access,
      table,
      route: createRouter({ homeOf: homes.of, health }),
      assert: createAsserter({ keyring, clock, publicUrl, groupsClaim: groupsClaims(config.providers) }),
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
