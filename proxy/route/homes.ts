// Where each person's history is: the home endpoint in each pool, chosen at first use and kept in the store.
// It never changes by itself, because the history would stay behind.
import type { Endpoint, Gateway } from "../../config/routes.ts";
import type { UserId } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import { rendezvous } from "./rendezvous.ts";

export type Homes = {
  /**
   * The person's home in this pool, or the one that their first use would choose. Stores nothing: looking is no use.
   * Undefined for a pool without endpoints.
   */
  of(user: UserId, gateway: Gateway): Promise<Endpoint | undefined>;
  /**
   * The same at a use: stored if it was not yet. A home that ops has taken out of the table is chosen anew: removing it
   * was the explicit act.
   */
  settle(user: UserId, gateway: Gateway): Promise<Endpoint | undefined>;
};

export function createHomes(store: Store): Homes {
  async function look(user: UserId, gateway: Gateway) {
    const key = `home/${user}/${gateway.id}`;
    const entry = await store.get(key);
    const kept = gateway.endpoints.find(({ id }) => id === entry?.value);
    return { key, entry, kept, home: kept ?? rendezvous(user, gateway.endpoints) };
  }

  return {
    of: async (user, gateway) => (await look(user, gateway)).home,
    async settle(user, gateway) {
      const { key, entry, kept, home } = await look(user, gateway);
      if (kept !== undefined || home === undefined) return home;
      const ifVersion = entry?.version ?? 0;
      const written = await store.commit([{ kind: "put", key, value: home.id, ifVersion, expiresAt: null }]);
      if (written.ok) return home;
      // Another request of the same person was first: its choice counts.
      const winner = (await store.get(key))?.value;
      return gateway.endpoints.find(({ id }) => id === winner);
    },
  };
}
