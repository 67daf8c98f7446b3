// Reads a gateway's frames no faster than they may cost: each is parsed and checked, whatever it says. Who says more
// makes itself wait, in the kernel's buffers, and nobody else.
import type { WebSocket } from "ws";
import type { Clock } from "../../core/clock.ts";
import { createAllowance } from "./allowance.ts";

export type ReadingPace = {
  /** To be called for each frame. @param bytes of its payload */
  read(bytes: number): void;
  stop(): void;
};

/** Twice the listing of as many connections as one channel may name. */
const BYTES = { atOnce: 16 * 1024 * 1024, perSecond: 2 * 1024 * 1024 };
/** What the shortest frame costs, so that no flood of them does. */
const FRAME_BYTES = 256;

export function createReadingPace(socket: Pick<WebSocket, "pause" | "resume">, clock: Clock): ReadingPace {
  const allowance = createAllowance(BYTES, clock);
  let cancelResume: (() => void) | undefined;

  function resume() {
    cancelResume = undefined;
    socket.resume();
  }

  return {
    read(bytes) {
      allowance.spend(bytes + FRAME_BYTES);
      const owedMs = allowance.owedMs();
      // What was received together is still handed over while it is paused: the later, the longer.
      if (owedMs === 0) return;
      cancelResume?.();
      socket.pause();
      cancelResume = clock.after(owedMs, resume);
    },
    stop() {
      if (cancelResume === undefined) return;
      cancelResume();
      // A paused socket would not notice that the other side closes.
      resume();
    },
  };
}
