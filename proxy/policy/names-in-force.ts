// What people call agents and gateways, by the policy in force. For words alone: nothing is decided by a name.
import type { DenialNames } from "../../core/denial-names.ts";
import type { PolicyInForce } from "./policy-in-force.ts";

/** What the policy does not know, or no longer, goes by its id. */
export function namesInForce(policy: Pick<PolicyInForce, "current">): Pick<DenialNames, "agent" | "gateway"> {
  return {
    agent: (id) => policy.current().access.agents.get(id)?.name ?? id,
    gateway: (id) => policy.current().routing.gateways.get(id)?.label ?? id,
  };
}
