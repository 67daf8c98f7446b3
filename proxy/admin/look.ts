// What a running front door tells about itself: its state, and who has sessions.
import type { Endpoint, RoutingTable } from "../../config/routes.ts";
import type { AgentState } from "../../core/api.ts";
import { isUserId } from "../../core/ids.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";
import type { ControlChannels } from "../control/control-channels.ts";
import type { ListedSession, SessionList } from "../identify/session-list.ts";
import type { LiveConnections } from "../live/live-connections.ts";
import type { PolicyReload } from "../policy/policy-reload.ts";
import type { Readiness } from "../private-server.ts";
import type { Health } from "../route/health.ts";
import type { AdminAction } from "./admin-action.ts";
import type { AdminSessionsAnswer, KeysState, StatusAnswer } from "./answers.ts";

export type LookDeps = {
  readonly publicUrl: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly readiness: () => Readiness;
  readonly reload: PolicyReload;
  readonly keyring: Keyring;
  readonly live: Pick<LiveConnections, "list" | "size">;
  readonly table: () => RoutingTable;
  readonly health: Pick<Health, "faultOf">;
  readonly endpointState: (endpoint: Endpoint) => AgentState;
  readonly channels: Pick<ControlChannels, "stateOf">;
  readonly list: SessionList;
  readonly providers: {
    readonly byIssuer: ReadonlyMap<string, { readonly id: string }>;
  };
};

/** Asked by monitoring every few seconds: no audit line. */
export function showStatus(deps: LookDeps): AdminAction {
  return async () => {
    const { since, ...policy } = deps.reload.state();
    const answer: StatusAnswer = {
      process: process.pid,
      startedAt: timeOf(deps.startedAt),
      publicUrl: deps.publicUrl,
      ...deps.readiness(),
      policy: { ...policy, since: timeOf(since) },
      keys: keysState(deps.keyring),
      connections: deps.live.size,
      endpoints: describeEndpoints(deps),
    };
    return { status: 200, body: answer, facts: null };
  };
}

/** `user`: a user id or an e-mail; left out: everybody. */
export function listSessions({ list, providers }: LookDeps): AdminAction {
  return async ({ query }) => {
    const who = query.get("user")?.toLowerCase() ?? null;
    const all = who !== null && isUserId(who) ? await list.ofUser(who) : await list.all();
    const chosen = all.filter(({ userId, email }) => who === null || who === userId || who === email);
    const providerOf = ({ issuer }: ListedSession) => providers.byIssuer.get(issuer)?.id ?? null;
    const answer: AdminSessionsAnswer = {
      sessions: chosen.map((session) => describeSession(session, providerOf(session))),
    };
    const reason = who === null ? "sessions list" : `sessions list: ${JSON.stringify(who)}`;
    return { status: 200, body: answer, facts: { reason } };
  };
}

export function keysState(keyring: Keyring): KeysState {
  const keys = keyring
    .states()
    .map(({ kid, state, signsFrom }) => ({ kid, state, signsFrom: timeOf(signsFrom) }));
  return { keySet: keyring.keySet().number, keys };
}

function describeEndpoints({
  table,
  health,
  endpointState,
  channels,
  live,
}: LookDeps): StatusAnswer["endpoints"] {
  const connections = live.list();
  return [...table().gateways.values()].flatMap((gateway) =>
    gateway.endpoints.map((endpoint) => ({
      gateway: gateway.id,
      endpoint: endpoint.id,
      url: endpoint.url,
      state: endpointState(endpoint),
      fault: health.faultOf(endpoint) ?? null,
      channel: channels.stateOf(endpoint),
      connections: connections.filter(
        ({ decided }) => decided?.gateway === gateway.id && decided.endpoint === endpoint.id,
      ).length,
    })),
  );
}

function describeSession(
  session: ListedSession,
  provider: string | null,
): AdminSessionsAnswer["sessions"][number] {
  const { sid, userId, email, kind, agents } = session;
  return {
    sid,
    userId,
    email,
    provider,
    kind,
    since: timeOf(session.beganAt),
    lastSeen: timeOf(session.usedAt),
    expiresAt: timeOf(session.expiresAt),
    peer: session.from?.peer ?? null,
    agents,
  };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
