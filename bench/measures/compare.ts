// From what peers cost to the outcome of a row: a ratio for each round, or why there is none. Pure.
import type { PeerName } from "../peers/peer.ts";
import { type Rounds, ratiosOf } from "../report/figures.ts";
import type { Outcome } from "../report/findings.ts";

export type Costs = {
  readonly rounds: ReadonlyMap<PeerName, Rounds>;
  /** Peers that cannot be measured here, and why. */
  readonly missing: ReadonlyMap<PeerName, string>;
};

export function compare(subject: PeerName, against: PeerName, { rounds, missing }: Costs): Outcome {
  for (const name of [subject, against]) {
    const why = missing.get(name);
    if (why !== undefined) return { missing: why };
  }
  const [ours, theirs] = [rounds.get(subject), rounds.get(against)];
  if (ours === undefined || theirs === undefined) throw new Error(`not measured: ${subject} or ${against}`);
  return { rounds: ratiosOf(ours, theirs) };
}
