// What connections at one endpoint may hold of the places for WebSockets, where only the endpoint says what is open: a
// part of each limit. A gateway that goes on naming what is over shuts people out of itself, and of no other.
import type { Limits } from "../../config/limits.ts";
import type { UserId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { addressBucket } from "../request/address-bucket.ts";
import { createTally } from "../tally.ts";

export type ShareLimits = Pick<Limits, "sockets" | "socketsPerUser" | "socketsPerAddress">;

export type DirectShare = {
  /**
   * @param peer client address; undefined where only the endpoint knows of the connection
   * @returns what gives it back, to be called once; or the limit of which the endpoint has its part
   */
  take(user: UserId, peer: string | undefined): Result<() => void, keyof ShareLimits>;
};

const PART = 3 / 4;

export function createDirectShare(limits: ShareLimits): DirectShare {
  const byUser = createTally();
  const byAddress = createTally();
  let all = 0;

  function fullFor(user: UserId, address: string | undefined): keyof ShareLimits | undefined {
    if (all >= partOf(limits.sockets)) return "sockets";
    if (byUser.of(user) >= partOf(limits.socketsPerUser)) return "socketsPerUser";
    if (address === undefined) return undefined;
    return byAddress.of(address) >= partOf(limits.socketsPerAddress) ? "socketsPerAddress" : undefined;
  }

  return {
    take(user, peer) {
      const address = peer === undefined ? undefined : addressBucket(peer);
      const full = fullFor(user, address);
      if (full !== undefined) return err(full);
      all += 1;
      byUser.add(user);
      if (address !== undefined) byAddress.add(address);
      return ok(() => {
        all -= 1;
        byUser.remove(user);
        if (address !== undefined) byAddress.remove(address);
      });
    },
  };
}

/** At least one. */
function partOf(limit: number): number {
  return Math.ceil(limit * PART);
}
