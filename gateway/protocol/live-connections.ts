// Who is connected: by person, so that a turn's events reach all of its owner's connections and nobody else's.
import type { WebSocket } from "ws";
import type { ChatEvent } from "../../core/gateway-protocol.ts";
import type { RequestId, UserId } from "../../core/ids.ts";
import type { Caller } from "../admit/caller.ts";
import type { Connection } from "./connection.ts";

export type LiveConnections = {
  open(socket: WebSocket, caller: Caller, requestId: RequestId): void;
  count(): number;
  publish(owner: UserId, event: ChatEvent): void;
  /** Says goodbye to everybody; resolves when all are gone. */
  closeAll(code: number, reason: string): Promise<void>;
};

export function createLiveConnections(
  connect: (socket: WebSocket, caller: Caller, requestId: RequestId) => Connection,
): LiveConnections {
  const byUser = new Map<UserId, Set<Connection>>();
  const sockets = new Set<WebSocket>();
  let whenEmpty = () => {};

  function forget(socket: WebSocket, connection: Connection) {
    sockets.delete(socket);
    const { userId } = connection.caller;
    const own = byUser.get(userId);
    own?.delete(connection);
    if (own?.size === 0) byUser.delete(userId);
    if (sockets.size === 0) whenEmpty();
  }

  return {
    open(socket, caller, requestId) {
      const connection = connect(socket, caller, requestId);
      sockets.add(socket);
      byUser.set(caller.userId, (byUser.get(caller.userId) ?? new Set()).add(connection));
      socket.on("close", () => forget(socket, connection));
    },
    count: () => sockets.size,
    publish(owner, event) {
      for (const connection of byUser.get(owner) ?? []) connection.tell(event);
    },
    async closeAll(code, reason) {
      if (sockets.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
      for (const own of [...byUser.values()])
        for (const connection of [...own]) connection.close(code, reason);
      await empty;
    },
  };
}
