// Everything that the front door's stages stand on: audit, keys, provider, sessions, policy, the live index. Opened
// once, in the order in which they need each other.
import { join } from "node:path";
import type { ConfigurationFiles } from "../config/configuration-files.ts";
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Endpoint } from "../config/routes.ts";
import type { AgentState } from "../core/api.ts";
import { createAuditLog } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { DenialNames } from "../core/denial-names.ts";
import type { SessionId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store.ts";
import { createBearerSessions } from "../token-exchange/bearer-sessions.ts";
import { ecKeyPairOf } from "../token-exchange/ec-key-pair.ts";
import { createKeyRotation } from "../token-exchange/key-rotation.ts";
import { writeKeySetFiles } from "../token-exchange/key-set-files.ts";
import { openKeyring } from "../token-exchange/keyring.ts";
import { createSessionIndex } from "../token-exchange/session-index.ts";
import { openTrustKey } from "../token-exchange/trust-key.ts";
import { verifyAccessToken } from "../token-exchange/verify-access-token.ts";
import { aliveSessions } from "./control/alive-sessions.ts";
import { createControlChannels } from "./control/control-channels.ts";
import { createDirectConnections } from "./control/direct-connections.ts";
import { endOfEvent } from "./control/end-of-event.ts";
import { createTrafficTally } from "./forward/traffic-tally.ts";
import { confirmByProvider } from "./identify/confirm-by-provider.ts";
import { endUnbackedSessions } from "./identify/end-unbacked.ts";
import { createFailedAttempts } from "./identify/failed-attempts.ts";
import { createIdentify } from "./identify/identify.ts";
import { createRefresh } from "./identify/refresh.ts";
import { refreshLive } from "./identify/refresh-live.ts";
import { createSessionEndings } from "./identify/session-endings.ts";
import { sessionIdentity } from "./identify/session-identity.ts";
import { createSessionList } from "./identify/session-list.ts";
import { type ConfirmSession, createSessions } from "./identify/sessions.ts";
import { createVerifiedCache } from "./identify/verified-cache.ts";
import { createBeginEntry } from "./live/begin-entry.ts";
import { followEvents } from "./live/follow-events.ts";
import { createJudge } from "./live/judge.ts";
import { createLastUse } from "./live/last-use.ts";
import { createLiveConnections } from "./live/live-connections.ts";
import { createPlaces } from "./live/places.ts";
import { createMetrics } from "./metrics.ts";
import { namesInForce } from "./policy/names-in-force.ts";
import { createPolicyChanges } from "./policy/policy-changes.ts";
import { createPolicyInForce } from "./policy/policy-in-force.ts";
import { createPolicyReload } from "./policy/policy-reload.ts";
import { writeSnapshot } from "./policy/stored-snapshot.ts";
import { providerNames } from "./provider-names.ts";
import { createProviderSides } from "./provider-sides.ts";
import { createHealth } from "./route/health.ts";
import { createHomes } from "./route/homes.ts";
import { watchStore } from "./store-watch.ts";

/** A write for each line would cost more than the decision that it tells of. */
const AUDIT_GATHER_MS = 10;

export type Leaves = Awaited<ReturnType<typeof openLeaves>>;

export async function openLeaves(
  config: FrontDoorConfig,
  files: ConfigurationFiles,
  { store, clock, log }: { store: Store; clock: Clock; log: Log },
) {
  const { encryptionKey, publicUrl } = config;
  const traffic = createTrafficTally();
  const metrics = createMetrics({
    policySnapshot: () => policy.current().number,
    liveGateways: () => live.list().flatMap(({ decided }) => decided?.gateway ?? []),
    webSocketTraffic: traffic.totals,
    providers: () => providers.all.map(({ id, metadata }) => [id, metadata.state()]),
  });
  const audit = metrics.counting(
    createAuditLog({
      path: join(config.data, "audit.jsonl"),
      onFailure: config.audit.onFailure,
      gatherMs: AUDIT_GATHER_MS,
      clock,
      onStateChange: (failure) =>
        failure === undefined
          ? log.info("the audit log can be written again")
          : log.error({ error: failure.message }, "the audit log cannot be written"),
    }),
  );
  const trust = await openTrustKey(config.data, store);
  const keyring = await openKeyring({
    store,
    clock,
    encryptionKey,
    trustKey: trust.key,
    issuer: config.assertion.issuer,
    overlapMs: config.assertion.overlap,
  });
  await writeKeySetFiles(config.data, keyring.keySet(), trust.thumbprint);
  const keyRotation = createKeyRotation({
    keyring,
    everyMs: config.assertion.rotateEvery,
    clock,
    log,
    async onChange(keySet) {
      await writeKeySetFiles(config.data, keySet, trust.thumbprint);
      channels.keysChanged();
    },
  });

  const providers = createProviderSides(config.providers, { clock, log, audit });
  const { texts, ...firstPolicy } = files.policy();
  const snapshot = await writeSnapshot(store, texts, clock.now(), () => {});
  const policy = createPolicyInForce({ number: snapshot.number, ...firstPolicy });
  const names: DenialNames = { ...namesInForce(policy), ...providerNames(providers.byIssuer) };
  const index = createSessionIndex(store, clock.now);
  const sessions = createSessions({
    store,
    index,
    clock,
    encryptionKey,
    rules: { absoluteMs: config.session.absolute, idleMs: config.session.idle },
    confirm: (place, record) => confirm(place, record),
  });
  const bearerSessions = createBearerSessions({ store, index, now: clock.now, encryptionKey });
  const endings = createSessionEndings(store, index);
  const refreshers = providers.all.map((provider): [string, ConfirmSession] => [
    provider.config.issuer,
    createRefresh({
      sessions,
      endings,
      provider,
      graceMs: config.session.providerGrace,
      clock,
      log,
      audit,
    }),
  ]);
  const confirm = confirmByProvider(new Map(refreshers));

  const channels = createControlChannels({
    table: () => policy.current().routing,
    trust: ecKeyPairOf(trust.key),
    issuer: config.assertion.issuer,
    keySet: keyring.keySet,
    aliveOf: (sids) => aliveSessions(index, sids),
    store,
    clock,
    log,
    audit,
    onDirect: (place, connections) => direct.listed(place, connections),
    onDirectEnded: (place, jti) => direct.over(place, jti),
    leaseMs: config.control.lease,
    random: Math.random,
  });
  const judge = createJudge(policy, clock.now);
  const live = createLiveConnections({
    clock,
    judge,
    snapshot: policy.required,
  });
  const begin = createBeginEntry(live, createPlaces(config.limits));
  const identityOf = (sid: SessionId) =>
    sessionIdentity(sid, { index, sessions, bearerSessions, appliedEvent: events.applied });
  const direct = createDirectConnections({
    live,
    begin,
    endDirect: channels.endDirect,
    judge,
    identityOf,
    snapshot: () => policy.current().number,
    limits: config.limits,
    leaseMs: config.control.lease,
    clock,
    audit,
    log,
  });
  const sessionList = createSessionList({ index, sessions, bearerSessions, live });
  const policyChanges = createPolicyChanges({
    inForce: policy,
    live: {
      apply(event, number) {
        live.apply(event, number);
        channels.sync();
      },
    },
    store,
    clock,
    log,
  });
  const policyReload = createPolicyReload(
    { files, config, store, changes: policyChanges, audit, clock, log, onFault: metrics.policyFault },
    snapshot,
  );
  const verifiedCache = createVerifiedCache({ clock, appliedEvent: () => events.applied() });
  const events = await followEvents(
    store,
    {
      apply(event, number) {
        try {
          verifiedCache.apply(event);
          if (event.kind === "policy_changed") policyChanges.apply(event, number);
          else live.apply(event, number);
        } finally {
          // Whatever fails here, gateways hear of it.
          const end = endOfEvent(event, number);
          if (end !== undefined) channels.end(end);
        }
      },
      applyUnknown(number) {
        verifiedCache.clear();
        live.endAll({ code: "access_changed" }, number);
      },
    },
    log,
  );
  const storeWatch = watchStore({
    store,
    onSilence: () => live.endAll({ code: "store_silent" }, null),
    clock,
    log,
  });
  await endUnbackedSessions({
    index,
    identityOf,
    endings,
    claimRulesOf: (issuer) => providers.byIssuer.get(issuer)?.claimRules,
    audit,
  });
  const stopRefreshing = refreshLive({ live, index, sessions, clock, log });
  const attempts = createFailedAttempts(config.limits.failedAttemptsPerMinute);
  const identify = createIdentify({
    sessions,
    attempts,
    appliedEvent: events.applied,
    cache: verifiedCache,
    verifyBearer: (token, asOfEvent) =>
      verifyAccessToken(token, { keyring, sessions: bearerSessions, publicUrl, clock }, asOfEvent),
  });
  const homes = createHomes(store);
  const lastUse = createLastUse({ store, clock });
  const health = createHealth({ table: () => policy.current().routing, clock, log });
  const endpointState = (endpoint: Endpoint): AgentState =>
    // A gateway that is being stopped answers no health probe well either: its own word says more.
    channels.isDraining(endpoint) ? "draining" : health.stateOf(endpoint);
  return {
    traffic,
    metrics,
    audit,
    trust,
    keyring,
    keyRotation,
    channels,
    direct,
    providers,
    identityOf,
    policy,
    policyReload,
    names,
    index,
    sessions,
    bearerSessions,
    endings,
    sessionList,
    live,
    begin,
    storeWatch,
    stopRefreshing,
    events,
    attempts,
    identify,
    homes,
    health,
    endpointState,
    lastUse,
  };
}
