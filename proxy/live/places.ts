// The places that there are for what is forwarded: in all, for one person and for one address; WebSockets apart from
// plain requests, so that neither can shut the other out. Only counts; who may have one is not its question.
import type { Limits } from "../../config/limits.ts";
import type { Denial } from "../../core/denial.ts";
import type { UserId } from "../../core/ids.ts";
import { addressBucket } from "../request/address-bucket.ts";
import { createTally } from "../tally.ts";

export type Place = {
  /** Takes it for this person; the denial names the limit that leaves none. To be called once. */
  take(user: UserId): Denial | undefined;
  /** The gateway has answered: an upgrade is not pending any more. */
  opened(): void;
  /** Also for one never taken. */
  leave(): void;
};

/** @param peer client address as `peerAddress` gives it */
export type Places = (kind: PlaceKind, peer: string) => Place;

/** Plain requests, and WebSockets, whoever forwards them. */
export type PlaceKind = "http" | "upgrade";

export type PlaceLimits = Pick<
  Limits,
  "exchanges" | "exchangesPerUser" | "sockets" | "socketsPerUser" | "socketsPerAddress" | "pendingUpgrades"
>;

export function createPlaces(limits: PlaceLimits): Places {
  const byUser = { http: createTally(), upgrade: createTally() };
  const socketsByAddress = createTally();
  const all = { http: 0, upgrade: 0 };
  let pending = 0;

  function fullFor(kind: PlaceKind, user: UserId, address: string): keyof PlaceLimits | undefined {
    const ofUser = byUser[kind].of(user);
    if (kind === "http") {
      if (all.http >= limits.exchanges) return "exchanges";
      return ofUser >= limits.exchangesPerUser ? "exchangesPerUser" : undefined;
    }
    if (all.upgrade >= limits.sockets) return "sockets";
    if (pending >= limits.pendingUpgrades) return "pendingUpgrades";
    if (ofUser >= limits.socketsPerUser) return "socketsPerUser";
    return socketsByAddress.of(address) >= limits.socketsPerAddress ? "socketsPerAddress" : undefined;
  }

  class Taken implements Place {
    readonly #kind: PlaceKind;
    readonly #address: string;
    #owner: UserId | undefined;
    #isPending = false;

    constructor(kind: PlaceKind, peer: string) {
      this.#kind = kind;
      this.#address = kind === "http" ? "" : addressBucket(peer);
    }

    take(user: UserId): Denial | undefined {
      const kind = this.#kind;
      const full = fullFor(kind, user, this.#address);
      if (full !== undefined) return { code: "overloaded", what: `limits.${full}` };
      this.#owner = user;
      all[kind] += 1;
      byUser[kind].add(user);
      if (kind === "http") return undefined;
      socketsByAddress.add(this.#address);
      this.#isPending = true;
      pending += 1;
      return undefined;
    }

    opened() {
      if (this.#isPending) pending -= 1;
      this.#isPending = false;
    }

    leave() {
      const owner = this.#owner;
      if (owner === undefined) return;
      this.opened();
      all[this.#kind] -= 1;
      byUser[this.#kind].remove(owner);
      if (this.#kind === "upgrade") socketsByAddress.remove(this.#address);
      this.#owner = undefined;
    }
  }

  return (kind, peer) => new Taken(kind, peer);
}
