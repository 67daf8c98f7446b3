// Drives connections with one request and one answer after another: a bounded number of them, a bounded number at once,
// the connections in turn. Every answer is checked: a peer that answers something else is not measured.
import type { Socket } from "node:net";

/** One protocol's request, and how to know that its answer is whole. */
export type Exchange = {
  /** Sent in turn, whatever the connection. */
  readonly requests: readonly Buffer[];
  /**
   * For one connection.
   * @returns true when the chunk completes an answer; @throws on an answer that is not the expected one
   */
  reader(): (chunk: Buffer) => boolean;
};

export type Amount = {
  readonly count: number;
  /** Requests that wait for their answers at a time; at most one on each connection. */
  readonly atOnce: number;
};

/** Resolves when `count` answers have come. @throws when one is wrong, or a connection ends */
export function exchangeAll(
  sockets: readonly Socket[],
  exchange: Exchange,
  { count, atOnce }: Amount,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // A ring of the connections without a request, the one that has waited longest first.
    const free = [...sockets];
    let taken = 0;
    let answered = 0;
    const listeners: (() => void)[] = [];

    function ask() {
      const request = exchange.requests[taken % exchange.requests.length];
      if (request !== undefined) free[taken % free.length]?.write(request);
      taken += 1;
    }

    function finish(error?: unknown) {
      for (const remove of listeners) remove();
      if (error === undefined) resolve();
      else reject(error);
    }

    for (const socket of sockets) {
      const completes = exchange.reader();
      const onData = (chunk: Buffer) => {
        try {
          if (!completes(chunk)) return;
        } catch (error) {
          return finish(error);
        }
        free[answered % free.length] = socket;
        answered += 1;
        if (answered === count) finish();
        else if (taken < count) ask();
      };
      const onClose = () => finish(new Error(`a connection ended after ${answered} of ${count} answers`));
      socket.on("data", onData).on("close", onClose);
      listeners.push(() => socket.off("data", onData).off("close", onClose));
    }
    while (taken < Math.min(atOnce, sockets.length, count)) ask();
  });
}

/** One after another on one connection. @returns milliseconds of each */
export async function exchangeTimes(
  socket: Socket,
  exchange: Exchange,
  count: number,
): Promise<Float64Array> {
  const times = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const sentAt = performance.now();
    await exchangeAll([socket], exchange, { count: 1, atOnce: 1 });
    times[index] = performance.now() - sentAt;
  }
  return times;
}
