// How long it takes until every socket of a group, ended by command, has got its close frame.
import type { Socket } from "node:net";
import { GROUP } from "../door/configuration.ts";
import { closeAll, inTurn, openWebSocket } from "../load/connections.ts";
import { adminRequest } from "../revocation/admin-request.ts";
import { peopleFor } from "./crowd.ts";
import type { Measure } from "./measure.ts";

/** RFC 6455 §5.5.1: opcode 8 with FIN; then one byte of length, then the code. */
const CLOSE = 0x88;
const POLICY_VIOLATION = 1008;

export const measureLiveClose: Measure = async ({ lab, plan, progress }) => {
  const door = await lab.newDoor();
  const rounds: number[] = [];
  try {
    for (let round = 0; round < plan.rounds; round += 1) {
      progress(`live close: opening ${plan.crowd} sockets, round ${round + 1} of ${plan.rounds}`);
      const sockets = await inTurn(await peopleFor(door, plan.crowd), openWebSocket);
      const closed = sockets.map(closeFrameAt);
      const sentAt = performance.now();
      await adminRequest(door.controlSocket, "POST", "/groups/end", { group: GROUP });
      const last = (await Promise.all(closed)).reduce((latest, at) => Math.max(latest, at), 0);
      rounds.push((last - sentAt) / 1_000);
      await closeAll(sockets.filter(({ closed: isGone }) => !isGone));
    }
  } finally {
    await door.stop();
  }
  const note = `${plan.crowd.toLocaleString("en")} sockets, from the command to the last close frame`;
  return { outcomes: { liveClose: { rounds, note } }, tables: [], panels: [] };
};

/** @returns when the close frame came, on this process's clock; rejects when the socket ends without one */
function closeFrameAt(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => {
      const isEnd = chunk[0] === CLOSE && chunk.length >= 4 && chunk.readUInt16BE(2) === POLICY_VIOLATION;
      if (isEnd) resolve(performance.now());
      else reject(new Error("something other than a close frame came"));
    });
    socket.on("close", () => reject(new Error("a socket ended without a close frame")));
  });
}
