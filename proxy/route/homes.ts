// Where each person's history is: the home endpoint in each pool, chosen at first use and kept in the store.
// It never changes by itself, because the history would stay behind.
import type { Endpoint, Gateway } from "../../config/routes.ts";
import type { UserId } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import { rendezvous } from "./rendezvous.ts";

export type Homes = {
  /**
   * The person's home in this pool, stored if it was not yet. Undefined for a pool without endpoints.
   * A home that ops has taken out of the table is chosen anew: removing it was the explicit act.
   */
  of(user: UserId, gateway: Gateway): Promise<Endpoint | undefined>;
};

export function createHomes(store: Store): Homes {
  return {
    async of(user, gateway) {
      const key = `home/${user}/${gateway.id}`;
      const entry = await store.get(key);
      const kept = gateway.endpoints.find(({ id }) => id === entry?.value);
      if (kept !== undefined) return kept;
      const chosen = rendezvous(user, gateway.endpoints);
      if (chosen === undefined) return undefined;
      const ifVersion = entry?.version ?? 0;
      const written = await store.commit([
        { kind: "put", key, value: chosen.id, ifVersion, expiresAt: null },
      ]);
      if (written.ok) return chosen;
      // Another request of the same person was first: its choice counts.
      const winner = (await store.get(key))?.value;
      return gateway.endpoints.find(({ id }) => id === winner);
    },
  };
}
