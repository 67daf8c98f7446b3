// What a running front door tells about itself: its state, and who has sessions.
import type { Endpoint, RoutingTable } from "../../config/routes.ts";
import type { AgentState } from "../../core/api.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";
import type { ControlChannels } from "../control/control-channels.ts";
import type { LiveConnections } from "../live/live-connections.ts";
import type { PolicyReload } from "../policy/policy-reload.ts";
import type { Readiness } from "../private-server.ts";
import type { Health } from "../route/health.ts";
import { type AdminAction, cannot } from "./admin-action.ts";
import type { AdminSessionsAnswer, KeysState, StatusAnswer } from "./answers.ts";
import { type NamedPeopleDeps, type NamedSession, sessionsNamed } from "./named-people.ts";

export type LookDeps = NamedPeopleDeps & {
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
    return { status: 200, body: answer, lines: [] };
  };
}

/** `user`: a user id or an e-mail; left out: everybody. `provider`: those of one alone. */
export function listSessions(deps: NamedPeopleDeps): AdminAction {
  return async ({ query }) => {
    const [who, provider] = [query.get("user"), query.get("provider")];
    const found = await sessionsNamed({ who, provider }, deps);
    if (!found.ok) return cannot(404, found.error, "sessions list");
    const answer: AdminSessionsAnswer = { sessions: found.value.map(describeSession) };
    const reason = who === null ? "sessions list" : `sessions list: ${JSON.stringify(who)}`;
    return { status: 200, body: answer, lines: [{ reason, provider }] };
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

function describeSession(session: NamedSession): AdminSessionsAnswer["sessions"][number] {
  const { sid, userId, email, provider, kind, agents } = session;
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
