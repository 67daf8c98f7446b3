// CPU per upgrade: connection, handshake, `101`, end, one after another, 64 at a time.
import { closeAll, inTurn, openWebSocket } from "../load/connections.ts";
import type { Address, Peer } from "../peers/peer.ts";
import { compare } from "./compare.ts";
import { costsOf, cpuPerOperation, type Load, peerTable } from "./cpu-per-operation.ts";
import type { Measure } from "./measure.ts";

export const measureUpgrade: Measure = async ({ lab, plan, progress }) => {
  const { peers, missing } = await lab.peers([
    "direct",
    "nginx",
    "HAProxy",
    "HAProxy verifying ES256",
    "own splice, bare",
    "Gatehouse",
    "nginx auth_request + express-openid-connect",
  ]);
  const measured = await cpuPerOperation("upgrades", peers, openUpgradeLoad, { plan, progress });
  return {
    outcomes: {
      upgrade: compare(
        "Gatehouse",
        "nginx auth_request + express-openid-connect",
        costsOf(measured, missing),
      ),
    },
    tables: [peerTable("WebSocket upgrades", measured)],
    panels: [],
  };
};

async function openUpgradeLoad({ address }: Peer): Promise<Load> {
  return {
    run: (count) =>
      inTurn(new Array<Address>(count).fill(address), async (to) => closeAll([await openWebSocket(to)])),
    close: async () => {},
  };
}
