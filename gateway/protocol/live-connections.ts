// Who is connected: by person, so that a turn's events reach all of its owner's connections and nobody else's; by
// session, so that its end, or the end of its lease, closes exactly its connections. One audit line for each end.
import type { WebSocket } from "ws";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type { AgentId, EndpointId, GatewayId, RequestId, SessionId, UserId } from "../../core/ids.ts";
import type { Caller } from "../admit/caller.ts";
import { createLeases } from "../control/leases.ts";
import type { Connection, ConnectionEnd, OwnerEvent } from "./connection.ts";

export type LiveConnections = {
  open(socket: WebSocket, caller: Caller, requestId: RequestId): void;
  /** Sockets that are not gone, those that are being closed included. */
  count(): number;
  /** Those that are not being closed. */
  list(): readonly Connection[];
  publish(owner: UserId, event: OwnerEvent): void;
  /** Each session that has a connection, once. */
  sids(): readonly SessionId[];
  /** Connections that no front door forwards. */
  direct(): readonly DirectConnection[];
  /**
   * The front door confirms these sessions.
   * @param until monotonic, milliseconds
   */
  renew(sids: readonly SessionId[], until: number): void;
  /** Closes the connections of these sessions, of them only those that may use the agent unless it is null. */
  end(which: EndedAccess, code: number, words: string, why: ConnectionEnd): void;
  /** Closes single connections of those that no front door forwards. */
  endDirect(jtis: readonly string[], code: number, words: string, why: ConnectionEnd): void;
  /** Says goodbye to everybody; resolves when all are gone. */
  closeAll(code: number, words: string): Promise<void>;
};

export type EndedAccess = { readonly sids: readonly SessionId[] | "all"; readonly agent: AgentId | null };

export type DirectConnection = {
  /** Of the assertion that opened it. */
  readonly jti: string;
  readonly sid: SessionId;
  readonly agents: readonly AgentId[];
};

export type LiveConnectionsDeps = {
  /** @param onEnd not called before this has returned */
  readonly connect: (
    socket: WebSocket,
    caller: Caller,
    requestId: RequestId,
    onEnd: (why: ConnectionEnd) => void,
  ) => Connection;
  readonly gateway: GatewayId;
  readonly endpoint: EndpointId;
  /** Life of a lease that starts now. */
  readonly leaseMs: () => number;
  /** A session has a connection that had none, or there is a connection that no front door forwards. */
  readonly onNewcomer: () => void;
  /** A connection that no front door forwards is over. */
  readonly onDirectEnd: (jti: string) => void;
  readonly clock: Clock;
  readonly audit: Audit;
};

const LEASE_EXPIRED = "the front door no longer confirms this session";

export function createLiveConnections(deps: LiveConnectionsDeps): LiveConnections {
  const { clock, audit, gateway, endpoint } = deps;
  const byUser = new Map<UserId, Set<Connection>>();
  const bySession = new Map<SessionId, Set<Connection>>();
  const direct = new Map<string, Connection>();
  const sockets = new Set<WebSocket>();
  const leases = createLeases<Connection>(clock, (connection) =>
    connection.close(1008, LEASE_EXPIRED, { reason: "lease_expired", event: null }),
  );
  let whenEmpty = () => {};

  function ended(connection: Connection, requestId: RequestId, { reason, event }: ConnectionEnd) {
    const { userId, sid, email } = connection.caller;
    leases.stop(connection);
    drop(byUser, userId, connection);
    drop(bySession, sid, connection);
    const { direct: jti } = connection.caller;
    if (jti !== null && direct.delete(jti)) deps.onDirectEnd(jti);
    const facts = { requestId, userId, email, sid, gateway, endpoint, event };
    audit.record(auditEvent({ kind: "connection_closed", outcome: "allowed", reason, ...facts }));
  }

  function everybody(): Connection[] {
    return [...bySession.values()].flatMap((own) => [...own]);
  }

  return {
    open(socket, caller, requestId) {
      const connection = deps.connect(socket, caller, requestId, (why) => ended(connection, requestId, why));
      const isNewSession = !bySession.has(caller.sid);
      sockets.add(socket);
      add(byUser, caller.userId, connection);
      add(bySession, caller.sid, connection);
      if (caller.direct !== null) direct.set(caller.direct, connection);
      leases.start(connection, clock.monotonic() + deps.leaseMs());
      socket.on("close", () => {
        sockets.delete(socket);
        if (sockets.size === 0) whenEmpty();
      });
      if (isNewSession || caller.direct !== null) deps.onNewcomer();
    },
    count: () => sockets.size,
    list: everybody,
    publish(owner, event) {
      for (const connection of byUser.get(owner) ?? []) connection.tell(event);
    },
    sids: () => [...bySession.keys()],
    direct: () => [...direct].map(([jti, { caller }]) => ({ jti, sid: caller.sid, agents: caller.agents })),
    renew(sids, until) {
      for (const sid of sids)
        for (const connection of bySession.get(sid) ?? []) leases.extend(connection, until);
    },
    end({ sids, agent }, code, words, why) {
      const named = sids === "all" ? everybody() : sids.flatMap((sid) => [...(bySession.get(sid) ?? [])]);
      for (const connection of named)
        if (agent === null || connection.caller.agents.includes(agent)) connection.close(code, words, why);
    },
    endDirect(jtis, code, words, why) {
      for (const jti of jtis) direct.get(jti)?.close(code, words, why);
    },
    async closeAll(code, words) {
      if (sockets.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
      for (const connection of everybody()) connection.close(code, words);
      await empty;
    },
  };
}

function add<Key>(index: Map<Key, Set<Connection>>, key: Key, connection: Connection): void {
  const own = index.get(key);
  if (own === undefined) index.set(key, new Set([connection]));
  else own.add(connection);
}

function drop<Key>(index: Map<Key, Set<Connection>>, key: Key, connection: Connection): void {
  const own = index.get(key);
  own?.delete(connection);
  if (own?.size === 0) index.delete(key);
}
