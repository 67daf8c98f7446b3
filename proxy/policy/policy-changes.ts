// Puts a changed policy in force when its event is applied: the snapshot first, then the judgement of everything
// that is live, so that nothing is admitted or kept by the old one after it.
import { policyOfTexts } from "../../config/policy-files.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import type { AccessEvent } from "../live/access-event.ts";
import type { LiveConnections } from "../live/live-connections.ts";
import type { PolicyInForce, PolicySnapshot } from "./policy-in-force.ts";
import { readSnapshot } from "./stored-snapshot.ts";

export type PolicyChanged = Extract<AccessEvent, { kind: "policy_changed" }>;

export type PolicyChanges = {
  /** Keeps a parsed snapshot at hand for its event, which then takes effect without waiting for anything. */
  prepare(snapshot: PolicySnapshot): void;
  /** Called in the order of the events. */
  apply(event: PolicyChanged, number: number): void;
};

export type PolicyChangesDeps = {
  readonly inForce: PolicyInForce;
  readonly live: Pick<LiveConnections, "apply">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
};

const READ_AGAIN_MS = 1_000;

export function createPolicyChanges({ inForce, live, store, clock, log }: PolicyChangesDeps): PolicyChanges {
  let prepared: PolicySnapshot | undefined;

  function put(snapshot: PolicySnapshot, event: PolicyChanged, number: number) {
    inForce.put(snapshot);
    live.apply(event, number);
  }

  /** Another process changed the policy: until it is read, `inForce` admits nobody. */
  async function read(event: PolicyChanged, number: number): Promise<void> {
    try {
      const stored = await readSnapshot(store);
      // A newer one has an event of its own, which puts it in force, or has done so while this one was read.
      if (stored === undefined || stored.number !== inForce.required()) return;
      put({ number: stored.number, ...policyOfTexts(stored.texts) }, event, number);
    } catch (error) {
      log.error(
        { err: error, snapshot: event.snapshot },
        "the new policy cannot be read: nobody is admitted",
      );
      clock.after(READ_AGAIN_MS, () => void read(event, number));
    }
  }

  return {
    prepare(snapshot) {
      prepared = snapshot;
    },
    apply(event, number) {
      if (prepared?.number === event.snapshot) return put(prepared, event, number);
      inForce.require(event.snapshot);
      void read(event, number);
    },
  };
}
