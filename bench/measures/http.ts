// CPU per HTTP request: a small JSON over 64 connections that stay open.
import { closeAll, openConnections } from "../load/connections.ts";
import { exchangeAll } from "../load/exchange.ts";
import { httpExchange } from "../load/http-exchange.ts";
import type { Peer } from "../peers/peer.ts";
import { compare } from "./compare.ts";
import { costsOf, cpuPerOperation, type Load, peerTable } from "./cpu-per-operation.ts";
import type { Measure } from "./measure.ts";

const CONNECTIONS = 64;

export const measureHttp: Measure = async ({ lab, plan, progress }) => {
  const { peers, missing } = await lab.peers([
    "direct",
    "TCP pipe",
    "nginx",
    "HAProxy",
    "HAProxy verifying ES256",
    "bare undici dispatch",
    "Gatehouse",
    "Gatehouse, other fields each time",
    "Gatehouse, nginx as data plane",
    "nginx auth_request + express-openid-connect",
    "express + express-openid-connect + http-proxy",
  ]);
  const measured = await cpuPerOperation("HTTP", peers, openHttpLoad, { plan, progress });
  const costs = costsOf(measured, missing);
  return {
    outcomes: {
      httpExpress: compare("Gatehouse", "express + express-openid-connect + http-proxy", costs),
      httpUndici: compare("Gatehouse", "bare undici dispatch", costs),
      httpHaproxy: compare("Gatehouse", "HAProxy verifying ES256", costs),
      httpOtherFields: compare("Gatehouse, other fields each time", "bare undici dispatch", costs),
      httpDataPlane: compare(
        "Gatehouse, nginx as data plane",
        "nginx auth_request + express-openid-connect",
        costs,
      ),
    },
    tables: [peerTable("HTTP requests, small JSON answer, 64 connections", measured)],
    panels: [],
  };
};

async function openHttpLoad({ address }: Peer): Promise<Load> {
  const connections = await openConnections(address, CONNECTIONS);
  const exchange = httpExchange(address);
  return {
    run: (count) => exchangeAll(connections, exchange, { count, atOnce: CONNECTIONS }),
    close: () => closeAll(connections),
  };
}
