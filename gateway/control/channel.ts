// What one front door says over its control channel, and what it is told: keys, leases, ends of access, turns. The
// channel ends by itself when the door falls silent; the connections then by their leases.
import type { Clock } from "../../core/clock.ts";
import type { DoorControlFrame } from "../../core/control-channel.ts";
import type { SessionId } from "../../core/ids.ts";
import type { EndedAccess } from "../admit/ended-access.ts";
import type { KeyRing } from "../admit/key-ring.ts";
import type { LiveConnections } from "../protocol/live-connections.ts";
import { broken, type LaterFrame, type Link } from "./link.ts";
import { createListings } from "./listings.ts";
import type { TurnFrame } from "./running-turns.ts";

export type Channel = {
  received(frame: LaterFrame): void;
  /** There is somebody that no listing has named. */
  newcomer(): void;
  directEnded(jti: string): void;
  turn(frame: TurnFrame): void;
  draining(): void;
  stop(): void;
};

export type ChannelDeps = {
  readonly connections: Pick<LiveConnections, "sids" | "direct" | "renew" | "end" | "endDirect">;
  readonly endedAccess: EndedAccess;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
};

/** Of a lease's life: in that time the front door pings three times (CONTROL_PINGS_PER_LEASE). */
const SILENCE_PER_LEASE = 1 / 2;

/** @param link open: both sides are proved */
export function createChannel(
  link: Link,
  leaseMs: number,
  runningTurns: readonly TurnFrame[],
  deps: ChannelDeps,
): Channel {
  const { connections, clock, keyRing } = deps;
  let cancelSilence = awaitPing();
  const { sids, direct } = connections;
  const listings = createListings({ sids, direct, leaseMs, clock, send: link.send });
  for (const frame of runningTurns) link.send(frame);

  function awaitPing() {
    const silenceMs = leaseMs * SILENCE_PER_LEASE;
    return clock.after(silenceMs, () => link.end(broken(`silent: no ping for ${silenceMs} ms`)));
  }

  function renew(listing: number, sids: readonly SessionId[]) {
    const until = listings.answered(listing);
    if (until !== undefined) connections.renew(sids, until);
  }

  function end({ sids, agent, code, words, event }: Extract<DoorControlFrame, { type: "end" }>) {
    const sessionsAreOver = code === 1008 && agent === null;
    if (sids !== "all" && sessionsAreOver) deps.endedAccess.remember(sids);
    connections.end({ sids, agent }, code, words, { reason: words, event });
  }

  function endDirect({ jtis, code, words, event }: Extract<DoorControlFrame, { type: "end_direct" }>) {
    deps.endedAccess.remember(jtis);
    connections.endDirect(jtis, code, words, { reason: words, event });
  }

  async function takeKeys(envelope: string) {
    const taken = await keyRing.take(envelope, "the control channel");
    link.send(
      taken.ok
        ? { type: "keys_accepted", number: taken.value }
        : { type: "keys_refused", fault: taken.error },
    );
  }

  return {
    received(frame) {
      switch (frame.type) {
        case "keys":
          return void takeKeys(frame.envelope);
        case "leases":
          return renew(frame.listing, frame.sids);
        case "end":
          return end(frame);
        case "end_direct":
          return endDirect(frame);
        case "ping":
          cancelSilence();
          cancelSilence = awaitPing();
          return link.send({ type: "pong", at: frame.at, now: clock.now() });
      }
    },
    newcomer: listings.newcomer,
    directEnded: (jti) => link.send({ type: "direct_ended", jti }),
    turn: link.send,
    draining: () => link.send({ type: "draining" }),
    stop() {
      cancelSilence();
      listings.stop();
    },
  };
}
