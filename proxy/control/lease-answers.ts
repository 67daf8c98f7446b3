// Answers a gateway's listings of sessions with those that still live. What cannot be found out in time is not
// answered: the leases run out, which is what an unreachable store must lead to.
import type { Clock } from "../../core/clock.ts";
import type { DoorControlFrame, GatewayControlFrame } from "../../core/control-channel.ts";
import type { SessionId } from "../../core/ids.ts";

export type Listing = Extract<GatewayControlFrame, { type: "sessions" }>;

export type LeaseAnswers = {
  /** @returns false when more listings wait than an honest gateway can have sent */
  asked(listing: Listing): boolean;
  /** Nothing is answered from now on. */
  stop(): void;
};

export type LeaseAnswerDeps = {
  /** Rejects when the store does not answer. */
  readonly aliveOf: (sids: readonly SessionId[]) => Promise<ReadonlySet<SessionId>>;
  readonly clock: Clock;
  /** An answer that took longer says too little about now. */
  readonly withinMs: number;
  readonly send: (frame: DoorControlFrame) => void;
  readonly onFailure: (error: unknown) => void;
};

/** Frames: 100,000 sessions. */
const MAX_WAITING = 10;

export function createLeaseAnswers(deps: LeaseAnswerDeps): LeaseAnswers {
  const { aliveOf, clock, withinMs, send, onFailure } = deps;
  let waiting: Listing[] = [];
  let busy = false;
  let stopped = false;

  async function work() {
    busy = true;
    // One at a time: a gateway that asks much makes itself wait, not the store.
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { listing, sids } = next;
      try {
        const alive = await inTime(aliveOf(sids), clock, withinMs);
        if (stopped) return;
        send({ type: "leases", listing, sids: sids.filter((sid) => alive.has(sid)) });
      } catch (error) {
        if (stopped) return;
        onFailure(error);
      }
    }
    busy = false;
  }

  return {
    asked(listing) {
      // What waits of an older listing is asked for again in this one.
      waiting = waiting.filter((other) => other.listing === listing.listing);
      if (waiting.length >= MAX_WAITING) return false;
      waiting.push(listing);
      if (!busy) void work();
      return true;
    },
    stop() {
      stopped = true;
      waiting = [];
    },
  };
}

function inTime<T>(answer: Promise<T>, clock: Clock, withinMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(withinMs, () => reject(new Error(`no answer within ${withinMs} ms`)));
    answer.then(resolve, reject).finally(cancel);
  });
}
