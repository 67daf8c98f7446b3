// A front door that crashes with many sockets open, and is started again: until everybody is back, and how long its
// event loop kept others waiting meanwhile. Nobody is told to come back in an orderly way.
import type { Socket } from "node:net";
import { request } from "undici";
import type { Door } from "../door/start-door.ts";
import { closeAll, inTurn, openWebSocket } from "../load/connections.ts";
import type { Address } from "../peers/peer.ts";
import { peopleFor } from "./crowd.ts";
import type { Measure } from "./measure.ts";

/** A client that did not get in tries again after a second, more or less. */
const RETRY_MS = { least: 500, spread: 1_000 };

export const measureReconnectStorm: Measure = async ({ lab, plan, progress }) => {
  const door = await lab.newDoor();
  const back: number[] = [];
  const loop: number[] = [];
  try {
    for (let round = 0; round < plan.rounds; round += 1) {
      progress(`reconnect storm: ${plan.crowd} sockets, round ${round + 1} of ${plan.rounds}`);
      const addresses = await peopleFor(door, plan.crowd);
      const sockets = await inTurn(addresses, openWebSocket);
      const crashedAt = performance.now();
      const [again] = await Promise.all([comeBack(sockets, addresses), door.crash()]);
      back.push((performance.now() - crashedAt) / 1_000);
      loop.push(await loopDelayOf(door));
      await closeAll(again);
    }
  } finally {
    await door.stop();
  }
  const note = `${plan.crowd.toLocaleString("en")} sockets, from the crash, start of the new process included`;
  return {
    outcomes: { stormBack: { rounds: back, note }, stormLoop: { rounds: loop, note } },
    tables: [],
    panels: [],
  };
};

function comeBack(sockets: readonly Socket[], addresses: readonly Address[]): Promise<readonly Socket[]> {
  return Promise.all(
    sockets.map(async (socket, index) => {
      const address = addresses[index];
      if (address === undefined) throw new Error("a socket without an address");
      await new Promise((resolve) => socket.once("close", resolve));
      return openUntilIn(address);
    }),
  );
}

async function openUntilIn(address: Address): Promise<Socket> {
  for (;;) {
    try {
      return await openWebSocket(address);
    } catch {
      const pauseMs = RETRY_MS.least + Math.random() * RETRY_MS.spread;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** p99 of the event loop's delay since the process began, or since it was last asked; milliseconds. */
async function loopDelayOf({ privatePort }: Door): Promise<number> {
  const { body } = await request(`http://127.0.0.1:${privatePort}/metrics`);
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(await body.text())?.[1];
  if (seconds === undefined) throw new Error("the front door's metrics have no event loop delay");
  return Number(seconds) * 1_000;
}
