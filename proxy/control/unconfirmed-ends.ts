// Ends of access that an endpoint may not have heard of: those while its channel was away, and those sent into a link
// that was lost before it answered a later ping. The lease of an ended session is not renewed anyway, but a session
// that lost one agent of several still lives: its connections must be told when the channel is back.
import type { Clock } from "../../core/clock.ts";
import type { EndFrame } from "./end-frame.ts";

export type UnconfirmedEnds = {
  add(frame: EndFrame): void;
  /** @param sentAt monotonic time of a ping that was answered: what was sent before it has arrived */
  confirmed(sentAt: number): void;
  /** What the endpoint must be told when it is back, in order. */
  frames(): readonly EndFrame[];
};

const MAX_KEPT = 1_000;

/** @param keepMs after which no connection of then can still be open, because its lease has run out */
export function createUnconfirmedEnds(clock: Clock, keepMs: number): UnconfirmedEnds {
  let kept: { readonly frame: EndFrame; readonly at: number }[] = [];

  function forgetOld() {
    const oldest = clock.monotonic() - keepMs;
    kept = kept.filter(({ at }) => at > oldest);
  }

  return {
    add(frame) {
      forgetOld();
      const at = clock.monotonic();
      // Too many to repeat: everybody comes back through the door, which knows who may.
      if (kept.length >= MAX_KEPT) kept = [{ frame: everybody(frame.event ?? 0), at }];
      else kept.push({ frame, at });
    },
    confirmed(sentAt) {
      kept = kept.filter(({ at }) => at >= sentAt);
    },
    frames() {
      forgetOld();
      return kept.map(({ frame }) => frame);
    },
  };
}

function everybody(event: number): EndFrame {
  const words = "access has changed, connect again";
  return { type: "end", event, sids: "all", agent: null, code: 1012, words };
}
