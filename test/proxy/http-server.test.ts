// The public listener around an app that takes its time. What its parser refuses is in test/attack/http-framing.test.ts.
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { createLog } from "../../core/log.ts";
import { createHttpServer } from "../../proxy/http-server.ts";
import { handshake, head, rawConnect } from "../support/raw-client.ts";

const LIMITS = { headerBytes: 16_384, headerCount: 100, headersTimeout: 1_000 } as FrontDoorConfig["limits"];

// Node takes its own listener for errors off the socket of an upgrade: an error without one ends the process.
it("outlives a client that resets its connection while its upgrade is being decided on", async () => {
  let arrived = (_socket: Socket) => {};
  const deciding = new Promise<Socket>((resolve) => {
    arrived = resolve;
  });
  const app = {
    onRequest: () => Promise.reject(new Error("nothing but an upgrade is sent")),
    onUpgrade(_incoming: unknown, socket: Socket) {
      arrived(socket);
      return new Promise<void>(() => {});
    },
  };
  const server = createHttpServer(app, LIMITS, createLog("test", "silent"));
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = await rawConnect((server.address() as AddressInfo).port, head(...handshake("/ws", "door")));
  const socket = await deciding;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  client.resetAndDestroy();
  expect(await closed).toBe(true);
});
