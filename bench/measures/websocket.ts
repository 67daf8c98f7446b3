// CPU per WebSocket message: 128 bytes there and back as one message each way, 100 connections.
import { closeAll, openWebSockets } from "../load/connections.ts";
import { exchangeAll } from "../load/exchange.ts";
import { webSocketExchange } from "../load/websocket-exchange.ts";
import type { Peer } from "../peers/peer.ts";
import { compare } from "./compare.ts";
import { costsOf, cpuPerOperation, type Load, peerTable } from "./cpu-per-operation.ts";
import type { Measure } from "./measure.ts";

const CONNECTIONS = 100;

export const measureWebSocket: Measure = async ({ lab, plan, progress }) => {
  const { peers, missing } = await lab.peers([
    "direct",
    "TCP pipe",
    "nginx",
    "HAProxy",
    "own splice, bare",
    "ws on both sides",
    "Gatehouse",
  ]);
  const measured = await cpuPerOperation("WebSocket", peers, openWebSocketLoad, { plan, progress });
  const costs = costsOf(measured, missing);
  return {
    outcomes: {
      messageSplice: compare("Gatehouse", "own splice, bare", costs),
      messageHaproxy: compare("Gatehouse", "HAProxy", costs),
      messageFrames: { missing: "not built yet" },
    },
    tables: [peerTable("WebSocket messages of 128 bytes, there and back, 100 connections", measured)],
    panels: [],
  };
};

async function openWebSocketLoad({ address }: Peer): Promise<Load> {
  const sockets = await openWebSockets(address, CONNECTIONS);
  return {
    run: (count) => exchangeAll(sockets, webSocketExchange, { count, atOnce: CONNECTIONS }),
    close: () => closeAll(sockets),
  };
}
