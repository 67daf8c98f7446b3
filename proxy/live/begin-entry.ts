// How whatever is forwarded begins: an entry in the live index, before anybody knows whose it is, together with its
// place among the limits. Both are given up at once.
import type { AssertionUse } from "../../core/assertion.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { UserId } from "../../core/ids.ts";
import type { LiveConnections } from "./live-connections.ts";
import type { Decided, EndConnection, PendingConnection } from "./live-entry.ts";
import type { Place, Places } from "./places.ts";

export type Entry = PendingConnection & Pick<Place, "take" | "opened">;

/** @param peer client address as `peerAddress` gives it */
export type BeginEntry = (use: AssertionUse, peer: string) => Entry;

export function createBeginEntry(live: Pick<LiveConnections, "begin">, places: Places): BeginEntry {
  return (use, peer) => new PlacedEntry(live.begin(use), places(use === "http" ? "http" : "upgrade", peer));
}

class PlacedEntry implements Entry {
  readonly #connection: PendingConnection;
  readonly #place: Place;

  constructor(connection: PendingConnection, place: Place) {
    this.#connection = connection;
    this.#place = place;
  }

  take(user: UserId) {
    return this.#place.take(user);
  }

  bind(identity: VerifiedIdentity, end: EndConnection) {
    return this.#connection.bind(identity, end);
  }

  settle(decided: Decided) {
    return this.#connection.settle(decided);
  }

  opened() {
    this.#place.opened();
  }

  remove() {
    this.#connection.remove();
    this.#place.leave();
  }
}
