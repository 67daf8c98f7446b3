// What nobody has expected ends the one connection that it happened on, and nothing else.
import type { Socket } from "node:net";
import type { Log } from "../core/log.ts";

export function cutOnFault(done: Promise<void>, socket: Socket, log: Log): void {
  done.catch((error: unknown) => {
    logFault(error, log);
    socket.destroy();
  });
}

export function logFault(error: unknown, log: Log): void {
  log.error({ error: error instanceof Error ? error.stack : String(error) }, "a request failed");
}
