// What an operation costs while work grows: connections open beside the one that asks, and rules in the policy. Beside
// the front door stands the least that could be in its place: what grows there too, grows below the front door.
import type { Socket } from "node:net";
import { closeAll, inTurn, openConnection, openWebSocket } from "../load/connections.ts";
import { type Exchange, exchangeAll } from "../load/exchange.ts";
import { httpExchange } from "../load/http-exchange.ts";
import { webSocketExchange } from "../load/websocket-exchange.ts";
import { cpuNanosOf } from "../machine/process-cost.ts";
import type { Address, Peer, PeerName } from "../peers/peer.ts";
import { type Rounds, ratiosOf, summaryOf } from "../report/figures.ts";
import type { Outcome, Panel } from "../report/findings.ts";
import { runStage } from "../stages/run-stage.ts";
import type { Measure, Measuring } from "./measure.ts";

/** As many requests wait at any time, however many connections take turns with them. */
const AT_ONCE = 64;
const RULES = [10, 100, 1_000, 10_000];

type Kind = {
  readonly title: string;
  /** What stands beside the front door. */
  readonly bare: PeerName;
  open(address: Address): Promise<Socket>;
  exchange(address: Address): Exchange;
};

const HTTP: Kind = {
  title: "CPU per HTTP request",
  bare: "bare undici dispatch",
  open: openConnection,
  exchange: httpExchange,
};

const WEB_SOCKET: Kind = {
  title: "CPU per WebSocket message",
  bare: "own splice, bare",
  open: openWebSocket,
  exchange: () => webSocketExchange,
};

export const measureGrowth: Measure = async (measuring) => {
  const http = await growthOf(HTTP, measuring);
  const message = await growthOf(WEB_SOCKET, measuring);
  const decision = await decisionGrowth(measuring);
  return {
    outcomes: {
      growthHttp: outcomeOf(http),
      growthMessage: outcomeOf(message),
      growthDecision: outcomeOf(decision),
    },
    tables: [],
    panels: [http, message, decision],
  };
};

async function growthOf(kind: Kind, { lab, plan, progress }: Measuring): Promise<Panel> {
  const { peers } = await lab.peers(["Gatehouse", kind.bare]);
  const curves = peers.map((peer) => ({
    peer,
    points: plan.connections.map((size) => ({ size, rounds: [] as number[] })),
  }));
  // Round 0 warms up.
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const { peer, points } of curves) {
      for (const { size, rounds } of round === 0 ? points.slice(0, 1) : points) {
        progress(
          `growth: ${kind.title}, ${peer.name}, ${size} connections, round ${round} of ${plan.rounds}`,
        );
        const micros = await costAt(kind, peer, size, plan.growthRequests);
        if (round > 0) rounds.push(micros);
      }
    }
  }
  return {
    title: kind.title,
    unit: "µs",
    along: "connections",
    curves: curves.map(({ peer, points }) => ({ peer: peer.name, points })),
  };
}

async function costAt(kind: Kind, { address, pids }: Peer, size: number, requests: number): Promise<number> {
  const exchange = kind.exchange(address);
  // Each is used once at once: a front door does not keep those that say nothing.
  const sockets = await inTurn(new Array<Address>(size).fill(address), async (to) => {
    const socket = await kind.open(to);
    await exchangeAll([socket], exchange, { count: 1, atOnce: 1 });
    return socket;
  });
  const before = cpuNanosOf(pids);
  await exchangeAll(sockets, exchange, { count: requests, atOnce: AT_ONCE });
  const nanos = cpuNanosOf(pids) - before;
  await closeAll(sockets);
  return nanos / 1_000 / requests;
}

async function decisionGrowth({ lab, plan, progress }: Measuring): Promise<Panel> {
  progress("growth: decisions");
  const found = await runStage<readonly Rounds[]>(lab, "decide", plan.rounds, ...RULES);
  const points = RULES.map((size, index) => ({ size, rounds: found[index] ?? [] }));
  return {
    title: "CPU per decision",
    unit: "µs",
    along: "rules and groups",
    curves: [{ peer: "Gatehouse", points }],
  };
}

/** The largest against the smallest. */
function outcomeOf({ curves }: Panel): Outcome {
  const [ours, bare] = curves.map(({ points }) =>
    ratiosOf(points.at(-1)?.rounds ?? [], points[0]?.rounds ?? []),
  );
  if (ours === undefined) throw new Error("nothing was measured");
  const sizes = curves[0]?.points.map(({ size }) => size.toLocaleString("en")).join(", ");
  const beside = bare === undefined ? "" : `; bare Node in its place ${summaryOf(bare).median.toFixed(2)}`;
  return { rounds: ours, note: `at ${sizes}${beside}` };
}
