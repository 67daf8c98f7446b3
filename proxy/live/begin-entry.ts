// How whatever is forwarded begins: an entry in the live index, before anybody knows whose it is, together with its
// place among the limits. Both are given up at once.
import type { AssertionUse } from "../../core/assertion.ts";
import type { LiveConnections, PendingConnection } from "./live-connections.ts";
import type { Place, Places } from "./places.ts";

export type Entry = PendingConnection & Pick<Place, "take" | "opened">;

/** @param peer client address as `peerAddress` gives it */
export type BeginEntry = (use: AssertionUse, peer: string) => Entry;

export function createBeginEntry(live: Pick<LiveConnections, "begin">, places: Places): BeginEntry {
  return (use, peer) => {
    const connection = live.begin(use);
    const { take, opened, leave } = places(use === "http" ? "http" : "upgrade", peer);
    const remove = () => {
      connection.remove();
      leave();
    };
    return { ...connection, take, opened, remove };
  };
}
