// Forgetting the key that an endpoint has shown at first contact, after its box was set up anew. Whoever answers at
// its address next is taken for it: so an administrator has to say so, and the audit log keeps it.
import { z } from "zod";
import type { Store } from "../../core/store.ts";
import { forgetEndpointKey } from "../control/endpoint-keys.ts";
import { type AdminAction, cannot } from "./admin-action.ts";
import type { ForgottenAnswer } from "./answers.ts";

const REASON = "gateways forget-key";

export function forgetKey({ store }: { readonly store: Store }): AdminAction {
  return async ({ body }) => {
    const asked = z.object({ endpoint: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/) }).safeParse(body);
    if (!asked.success) return cannot(400, "name an endpoint as <gateway>/<endpoint>", REASON);
    const [gateway = "", endpoint = ""] = asked.data.endpoint.split("/");
    if (!(await forgetEndpointKey(store, gateway, endpoint))) {
      return cannot(404, `no key of ${gateway}/${endpoint} is known`, REASON);
    }
    const answer: ForgottenAnswer = { gateway, endpoint };
    return { status: 200, body: answer, lines: [{ reason: REASON, gateway, endpoint }] };
  };
}
