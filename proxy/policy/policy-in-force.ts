// The policy in force: IT's and ops's files, read whole, as one numbered snapshot. Stages ask for it anew for each
// request, so that a change takes effect at once and never half.
import type { Policy } from "../../config/policy-files.ts";

export type PolicySnapshot = Policy & {
  /** Grows with every change. */
  readonly number: number;
};

export type PolicyInForce = {
  current(): PolicySnapshot;
  /**
   * The number that whoever is admitted must have been decided by. It is ahead of the current one's while a newer
   * snapshot is known of and not read yet: then nobody is admitted.
   */
  required(): number;
  require(number: number): void;
  /** Takes effect for every decision from now on; what is live must then be judged again. */
  put(next: PolicySnapshot): void;
};

export function createPolicyInForce(first: PolicySnapshot): PolicyInForce {
  let snapshot = first;
  let required = first.number;
  return {
    current: () => snapshot,
    required: () => required,
    require(number) {
      required = Math.max(required, number);
    },
    put(next) {
      snapshot = next;
      required = Math.max(required, next.number);
    },
  };
}
