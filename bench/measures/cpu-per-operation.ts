// CPU time that peers spend on one operation, in rounds in which every peer has a turn, so that what a neighbour on the
// machine takes in one minute is taken from all of them.
import { cpuNanosOf } from "../machine/process-cost.ts";
import type { Peer, PeerName } from "../peers/peer.ts";
import { type Rounds, ratiosOf } from "../report/figures.ts";
import type { PeerTable } from "../report/findings.ts";
import type { Costs } from "./compare.ts";
import type { Measuring } from "./measure.ts";

/** Load on one peer, ready to go. */
export type Load = {
  run(count: number): Promise<unknown>;
  close(): Promise<unknown>;
};

export type Measured = {
  /** µs of each operation. */
  readonly cpu: Rounds;
  readonly perSecond: Rounds;
};

/** A cold peer's first load; a measured one is never less. */
const FIRST = 200;
/** What the peer has still to do when the last answer is there. */
const SETTLE_MS = 100;

export async function cpuPerOperation(
  what: string,
  peers: readonly Peer[],
  open: (peer: Peer) => Promise<Load>,
  { plan, progress }: Omit<Measuring, "lab">,
): Promise<ReadonlyMap<PeerName, Measured>> {
  const counts = new Map<PeerName, number>();
  for (const peer of peers) {
    progress(`${what}: ${peer.name}, warming up`);
    const rate = await warmUp(peer, open, plan.warmSeconds);
    counts.set(peer.name, Math.max(FIRST, Math.round(rate * plan.runSeconds)));
  }

  const measured = new Map(
    peers.map(({ name }) => [name, { cpu: [] as number[], perSecond: [] as number[] }]),
  );
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const peer of inTurn(peers, round)) {
      progress(`${what}: ${peer.name}, round ${round + 1} of ${plan.rounds}`);
      const count = counts.get(peer.name) ?? FIRST;
      const load = await open(peer);
      // A lead-in that does not count: while the others had their turns, V8 has given back what it had compiled.
      await load.run(count);
      const before = cpuNanosOf(peer.pids);
      const seconds = await secondsOf(() => load.run(count));
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const nanos = cpuNanosOf(peer.pids) - before;
      await load.close();
      measured.get(peer.name)?.cpu.push(nanos / 1_000 / count);
      measured.get(peer.name)?.perSecond.push(count / seconds);
    }
  }
  return measured;
}

/** Loads that double until the time is over. @returns operations in a second at the end, when code is compiled */
async function warmUp(peer: Peer, open: (peer: Peer) => Promise<Load>, forSeconds: number): Promise<number> {
  const load = await open(peer);
  const begun = performance.now();
  for (let count = FIRST; ; count *= 2) {
    const seconds = await secondsOf(() => load.run(count));
    if (performance.now() - begun < forSeconds * 1_000) continue;
    await load.close();
    return count / seconds;
  }
}

/** @param measured with the backend itself among the peers */
export function peerTable(title: string, measured: ReadonlyMap<PeerName, Measured>): PeerTable {
  const direct = measured.get("direct")?.perSecond ?? [];
  const lines = [...measured].map(([peer, { cpu, perSecond }]) => ({
    peer,
    cpuMicros: peer === "direct" ? [] : cpu,
    ofDirect: ratiosOf(perSecond, direct),
  }));
  return { title, lines };
}

export function costsOf(
  measured: ReadonlyMap<PeerName, Measured>,
  missing: ReadonlyMap<PeerName, string>,
): Costs {
  return { rounds: new Map([...measured].map(([name, { cpu }]) => [name, cpu])), missing };
}

/** A different one goes first in each round: whoever follows a heavy one is not always the same. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}
