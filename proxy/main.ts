// The front door's composition root: leaves → stages → listeners. One screen, no decisions.
import type { ConfigurationFiles } from "../config/configuration-files.ts";
import { addressRangeOf } from "../config/field-values.ts";
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Clock } from "../core/clock.ts";
import type { Denial } from "../core/denial.ts";
import { drain } from "../core/drain.ts";
import type { Log } from "../core/log.ts";
import { openCertificate } from "../core/served-certificate.ts";
import type { Store } from "../core/store.ts";
import { watchFiles } from "../core/watch-files.ts";
import { createAdminApi } from "./admin/admin-api.ts";
import { openControlSocket } from "./admin/control-socket.ts";
import { createApp } from "./app.ts";
import { createAsserter } from "./assert/assert.ts";
import { composePages } from "./compose-pages.ts";
import { createHttpForwarder } from "./forward/forward-http.ts";
import { createUpgradeForwarder } from "./forward/forward-upgrade.ts";
import { createGatewayConnections } from "./forward/gateway-connections.ts";
import { createHttpServer } from "./http-server.ts";
import { openLeaves } from "./leaves.ts";
import { type Listener, listen } from "./listen.ts";
import { watchLoopDelay } from "./loop-delay.ts";
import { affordableConnections, maxOpenFiles } from "./open-files.ts";
import { securityHeaders } from "./pages/security-headers.ts";
import { createPrivateServer } from "./private-server.ts";
import { groupsClaims } from "./provider-sides.ts";
import { createReadiness } from "./readiness.ts";
import { sessionCookieName } from "./request/cookie.ts";
import { createRouter } from "./route/pick-endpoint.ts";
import { createVerify } from "./verify/verify.ts";

export type FrontDoorParts = {
  readonly config: FrontDoorConfig;
  readonly files: ConfigurationFiles;
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
  /** Takes over what the files say now, as a change of them does. Never rejects: the log says what went wrong. */
  reloadPolicy(): Promise<void>;
  /**
   * Takes no new work, closes what is open over `drain`, writes down what is unwritten. The store stays the caller's.
   */
  close(): Promise<void>;
};

export async function startFrontDoor(parts: FrontDoorParts): Promise<RunningFrontDoor> {
  const { config, files, store, webFolder, clock, log } = parts;
  const { publicUrl, limits, contact } = config;
  let closing: Promise<void> | undefined;
  const isStopping = () => closing !== undefined;
  const ownCertificate = openCertificate(config.tls, "tls");

  const leaves = await openLeaves(config, files, { store, clock, log });
  const { audit, trust, keyring, policy, policyReload, live, identify, homes, health } = leaves;
  const wording = { contact, names: leaves.names };
  const timeouts = {
    connectTimeoutMs: limits.connectTimeout,
    answerTimeoutMs: limits.answerTimeout,
    idleTimeoutMs: limits.idleTimeout,
  };
  const gatewayConnections = createGatewayConnections({ table: () => policy.current().routing, clock });
  const readiness = createReadiness({
    providers: leaves.providers.all,
    store: leaves.storeWatch.state,
    audit,
    clock,
    log,
    certificate: () => certificate?.state(),
    stopping: isStopping,
  });

  const controlSocket = await openControlSocket(
    config.data,
    createAdminApi({
      ...leaves,
      publicUrl,
      startedAt: clock.now(),
      readiness: readiness.state,
      reload: policyReload,
      list: leaves.sessionList,
      table: () => policy.current().routing,
      store,
      log,
    }),
  );

  const trustedProxies =
    config.trustedProxies.length === 0 ? undefined : addressRangeOf(config.trustedProxies);
  const rules = {
    publicUrl,
    cookieName: sessionCookieName(publicUrl),
    headerCount: limits.headerCount,
    trustedProxies,
  };
  const loopDelay = watchLoopDelay(limits.loopDelay, { clock, log });
  const notNow = (): Denial | undefined => {
    if (isStopping()) return { code: "stopping" };
    return loopDelay.isTooLong() ? { code: "overloaded", what: "limits.loopDelay" } : undefined;
  };
  const app = createApp({
    rules,
    identify,
    policy,
    route: createRouter({ homeOf: homes.settle, health }),
    assert: createAsserter({ keyring, clock, publicUrl, groupsClaim: groupsClaims(config.providers) }),
    forwardHttp: createHttpForwarder({
      connections: gatewayConnections,
      health,
      clock,
      limits: { ...timeouts, requestBodyBytes: limits.requestBodyBytes },
    }),
    forwardUpgrade: createUpgradeForwarder({ clock, health, traffic: leaves.traffic, limits: timeouts }),
    begin: leaves.begin,
    lastUse: leaves.lastUse,
    pageLimits: limits,
    pages: composePages({ config, leaves, store, webFolder, readiness: readiness.state, clock, log }),
    audit,
    log,
    wording,
    securityHeaders: securityHeaders(publicUrl),
    notNow,
  });

  const connections = affordableConnections(limits.connections, maxOpenFiles(), log);
  const publicServer = createHttpServer(app, {
    limits: { ...limits, connections, trustedProxies },
    certificate: ownCertificate?.first,
    clock,
    log,
  });
  const certificate = ownCertificate?.serve(publicServer, { clock, log });
  if (certificate !== undefined) leaves.metrics.watchCertificate(certificate.expiresAt);
  const privateServer = createPrivateServer({
    readiness: readiness.state,
    metrics: leaves.metrics,
    verify: createVerify({ ...leaves, rules, admit: app.admit, wording }),
    clock,
    log,
  });
  const listeners: Listener[] = [];
  let stopWatching = () => {};

  function close(): Promise<void> {
    closing ??= shutDown();
    return closing;
  }

  async function shutDown() {
    // Whatever ends access goes on ending it meanwhile.
    await drain({
      withinMs: config.drain,
      clock,
      random: Math.random,
      open: () => live.sockets,
      end: (count, comeBackInSeconds) =>
        live.endSockets(count, () => ({ code: "restarting", comeBackInSeconds: comeBackInSeconds() })),
      busy: () => live.forwarded > 0,
    });
    // Those that a proxy holds outlive this process.
    leaves.direct.stop();
    live.endAll({ code: "restarting", comeBackInSeconds: 1 }, null);
    stopWatching();
    certificate?.stop();
    loopDelay.stop();
    leaves.keyRotation.stop();
    readiness.close();
    leaves.stopRefreshing();
    leaves.storeWatch.stop();
    await Promise.all([
      ...listeners.map((listener) => listener.stop()),
      controlSocket.close(),
      leaves.channels.close(),
    ]);
    leaves.events.stop();
    await health.close();
    gatewayConnections.close();
    await audit.close();
  }

  try {
    const publicListener = await listen(publicServer, config.listen, "listen", log);
    listeners.push(publicListener);
    const privateListener = await listen(privateServer, config.privateListen, "privateListen", log);
    listeners.push(privateListener);
    stopWatching = watchFiles(files.paths, { clock, log, onChange: () => policyReload.reload("files") });
    const [publicPort, privatePort] = [publicListener.port, privateListener.port];
    const trustThumbprint = trust.thumbprint;
    log.info({ publicUrl, publicPort, privatePort, trustThumbprint }, "front door is listening");
    return { publicPort, privatePort, trustThumbprint, reloadPolicy, close };
  } catch (error) {
    // A door that cannot open whole does not stay half open.
    await close();
    throw error;
  }

  function reloadPolicy(): Promise<void> {
    return policyReload.reload("signal").then(
      () => {},
      (error: unknown) => log.error({ err: error }, "the policy could not be reloaded"),
    );
  }
}
