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
      const key = `endpoint-key/${gateway}/${endpoint.id}`;
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
