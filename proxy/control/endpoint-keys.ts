// Which key each gateway endpoint has shown at first contact. Another one later is somebody else's, until an operator
// removes the record: what answers at an address in the table is not thereby our gateway.

import { err, ok, type Result } from "../../core/result.ts";
import type { Store } from "../../core/store.ts";
import type { Place } from "./place.ts";

export type EndpointKeys = {
  /**
   * @param thumbprint of a key whose possession the endpoint has just proved
   * @returns the thumbprint that is remembered, when it is another one. Rejects when the store does not answer.
   */
  check(place: Place, thumbprint: string): Promise<Result<"first_contact" | "known", string>>;
};

export function createEndpointKeys(store: Store): EndpointKeys {
  return {
    async check({ gateway, endpoint }, thumbprint) {
      const key = keyOf(gateway, endpoint.id);
      let remembered = (await store.get(key))?.value;
      if (remembered === undefined) {
        const written = await store.commit([
          { kind: "put", key, value: thumbprint, ifVersion: 0, expiresAt: null },
        ]);
        if (written.ok) return ok("first_contact");
        // Another replica was first: what it has seen counts.
        remembered = (await store.get(key))?.value;
      }
      return remembered === thumbprint ? ok("known") : err(remembered ?? "none");
    },
  };
}

/** For a gateway that was set up anew: the key it shows next is remembered again. @returns false if none was known */
export async function forgetEndpointKey(store: Store, gateway: string, endpoint: string): Promise<boolean> {
  const key = keyOf(gateway, endpoint);
  if ((await store.get(key)) === undefined) return false;
  await store.commit([{ kind: "delete", key }]);
  return true;
}

function keyOf(gateway: string, endpoint: string): string {
  return `endpoint-key/${gateway}/${endpoint}`;
}
