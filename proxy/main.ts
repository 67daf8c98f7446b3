// The front door's composition root: configuration → leaves → stages → listeners. One screen, no decisions.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { AccessPolicy } from "../config/access.ts";
import { addressRangeOf } from "../config/field-values.ts";
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { RoutingTable } from "../config/routes.ts";
import { createAuditLog } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import { ConfigError } from "../core/config-error.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store.ts";
import { createBearerSessions } from "../token-exchange/bearer-sessions.ts";
import { writeKeySetFiles } from "../token-exchange/key-set-files.ts";
import { openKeyring } from "../token-exchange/keyring.ts";
import { createProviderFetch } from "../token-exchange/provider-fetch.ts";
import { createProviderMetadata } from "../token-exchange/provider-metadata.ts";
import { openTrustKey } from "../token-exchange/trust-key.ts";
import { verifyAccessToken } from "../token-exchange/verify-access-token.ts";
import { createProviderTokenVerifier } from "../token-exchange/verify-provider-token.ts";
import { createApp } from "./app.ts";
import { createAsserter } from "./assert/assert.ts";
import { createHttpForwarder } from "./forward/forward-http.ts";
import { createUpgradeForwarder } from "./forward/forward-upgrade.ts";
import { createHttpServer } from "./http-server.ts";
import { createFailedAttempts } from "./identify/failed-attempts.ts";
import { createIdentify } from "./identify/identify.ts";
import { createSessions } from "./identify/sessions.ts";
import { followEvents } from "./live/follow-events.ts";
import { createLiveConnections } from "./live/live-connections.ts";
import { createLogin } from "./pages/login.ts";
import { createLogout } from "./pages/logout.ts";
import { createPageApp } from "./pages/page-app.ts";
import { createPageContext } from "./pages/page-context.ts";
import { readStaticPages } from "./pages/static-pages.ts";
import { createTokenEndpoint } from "./pages/token.ts";
import { createPrivateServer } from "./private-server.ts";
import { createReadiness } from "./readiness.ts";
import { sessionCookieName } from "./request/cookie.ts";
import { createHealth } from "./route/health.ts";
import { createHomes } from "./route/homes.ts";
import { createRouter } from "./route/pick-endpoint.ts";

export type FrontDoorParts = {
  readonly config: FrontDoorConfig;
  readonly access: AccessPolicy;
  readonly routing: RoutingTable;
  readonly store: Store;
  /** Folder of the built pages. */
  readonly webFolder: string;
  readonly clock: Clock;
  readonly log: Log;
};

export type RunningFrontDoor = {
  readonly publicPort: number;
  readonly privatePort: number;
  /** What gateways pin. */
  readonly trustThumbprint: string;
  /** Takes no new work, ends what is open, writes down what is unwritten. The store stays the caller's. */
  close(): Promise<void>;
};

export async function startFrontDoor(parts: FrontDoorParts): Promise<RunningFrontDoor> {
  const { config, store, clock, log } = parts;
  const { publicUrl, limits, encryptionKey, provider, contact } = config;
  const access = () => parts.access;
  const table = () => parts.routing;
  let stopping = false;

  const audit = createAuditLog({
    path: join(config.data, "audit.jsonl"),
    onFailure: config.audit.onFailure,
    clock,
    onStateChange: (failure) =>
      failure === undefined
        ? log.info("the audit log can be written again")
        : log.error({ error: failure.message }, "the audit log cannot be written"),
  });
  const trust = await openTrustKey(config.data, store);
  const keyring = await openKeyring({
    store,
    clock,
    encryptionKey,
    trustKey: trust.key,
    issuer: config.assertion.issuer,
  });
  await writeKeySetFiles(config.data, keyring.keySet(), trust.thumbprint);

  const live = createLiveConnections(clock);
  const events = await followEvents(store, live, log);
  const metadata = createProviderMetadata({
    issuer: provider.issuer,
    name: provider.name,
    timeoutMs: provider.timeout,
    fetch,
    clock,
  });
  const sessions = createSessions({
    store,
    clock,
    encryptionKey,
    rules: { absoluteMs: config.session.absolute, idleMs: config.session.idle },
  });
  const bearerSessions = createBearerSessions({ store, encryptionKey });
  const attempts = createFailedAttempts(limits.failedAttemptsPerMinute);
  const identify = createIdentify({
    sessions,
    attempts,
    appliedEvent: events.applied,
    verifyBearer: (token, asOfEvent) =>
      verifyAccessToken(token, { keyring, sessions: bearerSessions, publicUrl, clock }, asOfEvent),
  });

  const homes = createHomes(store);
  const health = createHealth({ table, clock, log });
  const forwardHttp = createHttpForwarder({
    health,
    limits: {
      connectTimeoutMs: limits.connectTimeout,
      answerTimeoutMs: limits.answerTimeout,
      idleTimeoutMs: limits.idleTimeout,
      requestBodyBytes: limits.requestBodyBytes,
    },
  });

  const context = createPageContext(contact);
  const cookieName = sessionCookieName(publicUrl);
  const readiness = createReadiness({
    metadata,
    clock,
    log,
    audit,
    provider: provider.name,
    stopping: () => stopping,
  });
  const pages = createPageApp({
    publicUrl,
    context,
    identify,
    login: createLogin({
      config,
      cookieName,
      sessions,
      identify,
      audit,
      clock,
      context,
      fetch: createProviderFetch(provider.timeout),
    }),
    logout: createLogout({
      sessions,
      provider: metadata,
      clientId: provider.clientId,
      publicUrl,
      cookieName,
      audit,
    }),
    token: createTokenEndpoint({
      exchange:
        provider.bearer === undefined
          ? undefined
          : {
              verifyProviderToken: createProviderTokenVerifier({
                provider,
                rules: provider.bearer,
                metadata,
                clock,
              }),
              claimRules: {
                issuer: provider.issuer,
                emailTrusted: provider.emailTrusted,
                groupsClaim: config.groups.claim,
                whenMissing: config.groups.whenMissing,
              },
              sessions: bearerSessions,
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
    me: { access, table, homes, health },
    keyring,
    pages: readStaticPages(parts.webFolder, contact),
    readiness: readiness.state,
    audit,
    log,
  });

  const app = createApp({
    rules: {
      publicUrl,
      cookieName,
      headerCount: limits.headerCount,
      trustedProxies: config.trustedProxies.length === 0 ? undefined : addressRangeOf(config.trustedProxies),
    },
    identify,
    access,
    route: createRouter({ table, homes, health }),
    assert: createAsserter({ keyring, clock, publicUrl, groupsClaim: config.groups.claim }),
    forwardHttp,
    forwardUpgrade: createUpgradeForwarder({
      clock,
      health,
      limits: {
        connectTimeoutMs: limits.connectTimeout,
        answerTimeoutMs: limits.answerTimeout,
        idleTimeoutMs: limits.idleTimeout,
      },
    }),
    live,
    limits,
    pages,
    audit,
    log,
    contact,
    stopping: () => stopping,
  });

  const publicServer = createHttpServer(app, limits, log);
  const privateServer = createPrivateServer(readiness.state);
  const publicPort = await listen(publicServer, config.listen, "listen");
  const privatePort = await listen(privateServer, config.privateListen, "privateListen");
  log.info(
    { publicUrl, publicPort, privatePort, trustThumbprint: trust.thumbprint },
    "front door is listening",
  );

  return {
    publicPort,
    privatePort,
    trustThumbprint: trust.thumbprint,
    async close() {
      stopping = true;
      readiness.close();
      live.endAll("restarting");
      await Promise.all([stop(publicServer), stop(privateServer)]);
      events.stop();
      await health.close();
      await forwardHttp.close();
      await audit.close();
    },
  };
}

function listen(
  server: Server,
  at: FrontDoorConfig["listen"],
  key: "listen" | "privateListen",
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const found = `${at.host}:${at.port}, which cannot be listened on (${error.code ?? error.message})`;
      const path = error.code === "EADDRINUSE" ? `${key}.port` : `${key}.host`;
      const expected = `a free port and an address of this machine; change ${key}.port or ${key}.host`;
      reject(new ConfigError([{ source: "front door", path, found, expected }]));
    });
    server.listen({ host: at.host, port: at.port, backlog: 4_096 }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

/** How long open exchanges may take to finish. */
const STOP_WITHIN_MS = 3_000;

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
