// What a peer adds to the time of one message, there and back, over one WebSocket, with every process free to run on
// every core: what one person feels, not what a machine bears.
import { closeAll, openWebSockets } from "../load/connections.ts";
import { exchangeTimes } from "../load/exchange.ts";
import { webSocketExchange } from "../load/websocket-exchange.ts";
import { moveTo } from "../machine/cores.ts";
import type { Peer, PeerName } from "../peers/peer.ts";
import { summaryOf } from "../report/figures.ts";
import type { Findings, Outcome } from "../report/findings.ts";
import { type Quantiles, quantilesOf } from "../revocation/quantiles.ts";
import { inTurn } from "./cpu-per-operation.ts";
import type { Measure, Measuring } from "./measure.ts";

/** Quantiles of one round's times, milliseconds. */
type Round = ReadonlyMap<PeerName, Quantiles>;

const WARM_UP = 500;

export const measureLatency: Measure = async (measuring) => {
  const { lab } = measuring;
  const { peers, missing } = await lab.peers(["direct", "nginx", "Gatehouse"]);
  const why = missing.get("nginx");
  if (why !== undefined) return found({ missing: why }, { missing: why });
  const { backendPid } = await lab.door();
  const proxies = peers.flatMap(({ pids }) => pids);
  const { cores } = lab;
  if (cores !== undefined) moveTo(cores.both, [process.pid, backendPid, ...proxies]);
  try {
    const rounds = await roundsOf(peers, measuring);
    return found(outcomeOf(rounds, "p50"), outcomeOf(rounds, "p99"));
  } finally {
    if (cores !== undefined) {
      moveTo(cores.load, [process.pid, backendPid]);
      moveTo(cores.proxy, proxies);
    }
  }
};

async function roundsOf(peers: readonly Peer[], { plan, progress }: Measuring): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    const times = new Map<PeerName, Quantiles>();
    for (const peer of inTurn(peers, round)) {
      progress(`latency: ${peer.name}, round ${round + 1} of ${plan.rounds}`);
      times.set(peer.name, await timesOf(peer, plan.latencySamples));
    }
    rounds.push(times);
  }
  return rounds;
}

async function timesOf({ address }: Peer, samples: number): Promise<Quantiles> {
  const sockets = await openWebSockets(address, 1);
  const [socket] = sockets;
  if (socket === undefined) throw new Error("no socket");
  await exchangeTimes(socket, webSocketExchange, WARM_UP);
  const times = await exchangeTimes(socket, webSocketExchange, samples);
  await closeAll(sockets);
  return quantilesOf([...times]);
}

/** What is added is a small difference of two large figures: those it is taken from are medians of all rounds. */
function outcomeOf(rounds: readonly Round[], quantile: "p50" | "p99"): Outcome {
  const micros = (name: PeerName) =>
    rounds.map((round) => (round.get(name)?.[quantile] ?? Number.NaN) * 1_000);
  const direct = summaryOf(micros("direct")).median;
  const ours = micros("Gatehouse").map((time) => time - direct);
  const nginx = summaryOf(micros("nginx")).median - direct;
  return {
    rounds: ours.map((added) => added / nginx),
    note: `Gatehouse adds ${summaryOf(ours).median.toFixed(0)} µs, nginx ${nginx.toFixed(0)} µs`,
  };
}

function found(latencyP50: Outcome, latencyP99: Outcome): Findings {
  return { outcomes: { latencyP50, latencyP99 }, tables: [], panels: [] };
}
