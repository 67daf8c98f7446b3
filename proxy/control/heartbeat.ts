// Shows that a channel lives, and measures how far the clocks are apart on the way.
import type { Clock } from "../../core/clock.ts";

export type Heartbeat = {
  start(): void;
  /** @returns the monotonic time at which the ping was sent; undefined for a pong that answers none of ours */
  answered(pong: { readonly at: number; readonly now: number }): number | undefined;
  stop(): void;
};

export type HeartbeatDeps = {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly ping: (at: number) => void;
  /** Two pings have gone unanswered. */
  readonly onSilence: () => void;
  readonly onMeasured: (times: MeasuredTimes) => void;
};

/** One moment by both wall clocks, milliseconds since 1970. */
export type MeasuredTimes = { readonly door: number; readonly gateway: number };

const UNANSWERED_ALLOWED = 2;

export function createHeartbeat({ clock, everyMs, ping, onSilence, onMeasured }: HeartbeatDeps): Heartbeat {
  /** Oldest first. */
  let unanswered: { readonly at: number; readonly sentAt: number }[] = [];
  let cancelNext = () => {};

  function beat() {
    if (unanswered.length >= UNANSWERED_ALLOWED) return onSilence();
    const at = clock.now();
    unanswered.push({ at, sentAt: clock.monotonic() });
    cancelNext = clock.after(everyMs, beat);
    ping(at);
  }

  return {
    start: beat,
    answered(pong) {
      const index = unanswered.findIndex(({ at }) => at === pong.at);
      const sent = unanswered[index];
      if (sent === undefined) return undefined;
      unanswered = unanswered.slice(index + 1);
      const roundTripMs = clock.monotonic() - sent.sentAt;
      onMeasured({ door: Math.round(sent.at + roundTripMs / 2), gateway: pong.now });
      return sent.sentAt;
    },
    stop: () => cancelNext(),
  };
}
