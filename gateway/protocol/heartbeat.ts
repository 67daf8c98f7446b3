// Finds connections whose other end is gone without a word: a ping every interval, and without a pong in time the
// socket is cut. A half-open connection would otherwise stay for ever.
import type { WebSocket } from "ws";
import type { Clock } from "../../core/clock.ts";

export type HeartbeatOptions = {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called with each ping. */
  readonly onBeat: () => void;
  /** The other end is gone; the socket is cut next. */
  readonly onDead: () => void;
};

/** Gives the function that stops it. */
export function startHeartbeat(socket: WebSocket, options: HeartbeatOptions): () => void {
  const { intervalMs, timeoutMs, clock, onBeat, onDead } = options;
  let cancelTimeout: (() => void) | undefined;
  let cancelBeat = clock.after(intervalMs, beat);

  function beat() {
    socket.ping();
    onBeat();
    // Counted from the first ping that was not answered, also when the timeout is longer than the interval.
    cancelTimeout ??= clock.after(timeoutMs, cut);
    cancelBeat = clock.after(intervalMs, beat);
  }

  function cut() {
    onDead();
    socket.terminate();
  }

  function answered() {
    cancelTimeout?.();
    cancelTimeout = undefined;
  }
  socket.on("pong", answered);

  return () => {
    cancelBeat();
    answered();
  };
}
