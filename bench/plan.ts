// How long each thing is measured: long enough that rounds agree, or `--quick` for a first look.

export type Plan = {
  readonly rounds: number;
  /** Of load before anything is counted, so that code is compiled, for each peer; seconds. */
  readonly warmSeconds: number;
  /** Of load in each round, for each peer; seconds. */
  readonly runSeconds: number;
  /** Messages of the latency measurement, in each round, for each peer. */
  readonly latencySamples: number;
  /** Idle connections whose memory is weighed. */
  readonly idleConnections: number;
  /** Sockets that end or come back together. */
  readonly crowd: number;
  /** Connections that growth is measured at, ascending. */
  readonly connections: readonly number[];
  /** Requests that growth is measured with, in each round, for each peer, at each number of connections. */
  readonly growthRequests: number;
};

/** Of the front door's descriptors, those that are no forwarded socket. */
const DESCRIPTORS_OF_ITS_OWN = 200;

/** @param descriptors how many files a process may have open: a forwarded socket takes two */
export function fullPlan(descriptors: number): Plan {
  const most = Math.min(10_000, Math.floor((descriptors - DESCRIPTORS_OF_ITS_OWN) / 2));
  return {
    rounds: 5,
    warmSeconds: 2,
    runSeconds: 2,
    latencySamples: 5_000,
    idleConnections: 2_000,
    crowd: most,
    connections: [100, 1_000, most],
    growthRequests: 20_000,
  };
}

export function quickPlan(descriptors: number): Plan {
  const full = fullPlan(descriptors);
  return {
    rounds: 3,
    warmSeconds: 1.2,
    runSeconds: 0.4,
    latencySamples: 1_000,
    idleConnections: 1_000,
    crowd: Math.min(1_000, full.crowd),
    connections: [100, Math.min(1_000, full.crowd)],
    growthRequests: 2_000,
  };
}
