// Asks one front door which sessions still live: all of them three times in the life of a lease, and soon after
// somebody new has come; and tells it which connections only this gateway can end. What it confirms is counted from the asking, not from the answer, which may have waited anywhere.
import type { Clock } from "../../core/clock.ts";
import {
  CONTROL_DIRECT_PER_FRAME,
  CONTROL_SESSIONS_PER_FRAME,
  type GatewayControlFrame,
} from "../../core/control-channel.ts";
import type { SessionId } from "../../core/ids.ts";
import type { DirectConnection } from "../protocol/live-connections.ts";

export type Listings = {
  /** There is a session, or a direct connection, that no listing has named. */
  newcomer(): void;
  /**
   * A frame of ours was answered.
   * @returns until when the leases that it confirms hold, monotonic; undefined for a listing nobody asked of late
   */
  answered(listing: number): number | undefined;
  stop(): void;
};

export type ListingsDeps = {
  readonly sids: () => readonly SessionId[];
  readonly direct: () => readonly DirectConnection[];
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly send: (frame: Extract<GatewayControlFrame, { type: "sessions" | "direct" }>) => void;
};

const LISTINGS_PER_LEASE = 3;
/** Newcomers of so long are told together. */
const NEWCOMERS_WAIT_MS = 250;

/** Lists at once. */
export function createListings({ sids, direct, leaseMs, clock, send }: ListingsDeps): Listings {
  /** When each was sent; the oldest first. */
  const asked = new Map<number, number>();
  let newest = 0;
  /** Frames of the newest listing that are not answered. */
  let unanswered = 0;
  let newcomersWait = false;
  let cancelNewcomers: (() => void) | undefined;
  let cancelNext = () => {};

  function list() {
    cancelNext();
    cancelNewcomers?.();
    cancelNewcomers = undefined;
    newcomersWait = false;
    cancelNext = clock.after(leaseMs / LISTINGS_PER_LEASE, list);
    const now = clock.monotonic();
    for (const [listing, at] of asked) if (at + leaseMs <= now) asked.delete(listing);
    newest += 1;
    asked.set(newest, now);
    for (const [connections, last] of chunked(direct(), CONTROL_DIRECT_PER_FRAME)) {
      const named = connections.map((connection) => ({ ...connection, agents: [...connection.agents] }));
      send({ type: "direct", connections: named, last });
    }
    const chunks = chunked(sids(), CONTROL_SESSIONS_PER_FRAME);
    unanswered = chunks.length;
    for (const [chunk, last] of chunks) send({ type: "sessions", listing: newest, sids: chunk, last });
  }

  // Not while an answer is awaited: a front door that is slow would be asked again and again, and would never come to
  // the last frame of any listing.
  function listSoon() {
    if (newcomersWait && unanswered <= 0) cancelNewcomers ??= clock.after(NEWCOMERS_WAIT_MS, list);
  }

  list();
  return {
    newcomer() {
      newcomersWait = true;
      listSoon();
    },
    answered(listing) {
      if (listing === newest) unanswered -= 1;
      listSoon();
      const at = asked.get(listing);
      return at === undefined ? undefined : at + leaseMs;
    },
    stop() {
      cancelNext();
      cancelNewcomers?.();
    },
  };
}

/** One at least: that there is nobody is an answer too. With each, whether it is the last. */
function chunked<T>(all: readonly T[], size: number): (readonly [T[], boolean])[] {
  const chunks: (readonly [T[], boolean])[] = [];
  for (let from = 0; from === 0 || from < all.length; from += size)
    chunks.push([all.slice(from, from + size), from + size >= all.length]);
  return chunks;
}
