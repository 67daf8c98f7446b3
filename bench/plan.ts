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

/** Connections that sign-ins have left open. */
const OTHER_CONNECTIONS = 140;

/** @param connections that a front door takes here: see door/configuration.ts */
export function fullPlan(connections: number): Plan {
  const most = Math.min(10_000, connections - OTHER_CONNECTIONS);
  return {
    rounds: 5,
    // Ten thousands of requests: before that the compiler is not done with a program of many parts.
    warmSeconds: 5,
    runSeconds: 2,
    latencySamples: 5_000,
    idleConnections: 2_000,
    crowd: most,
    connections: [100, 1_000, most],
    growthRequests: 20_000,
  };
}

export function quickPlan(connections: number): Plan {
  const full = fullPlan(connections);
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
