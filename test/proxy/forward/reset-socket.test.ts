import { expect, it } from "vitest";
import { resetSocket } from "../../../proxy/forward/reset-socket.ts";
import { openTunnel, type TunnelEnd } from "../../../proxy/forward/tunnel.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { collect, socketPair } from "./socket-pair.ts";
import { tlsPair } from "./tls-pair.ts";

it("resets a plain connection", async () => {
  const { dialled, accepted } = await socketPair();
  const { over } = collect(accepted);
  resetSocket(dialled);
  expect(await over).toBe("reset");
});

// Node's own way to reset throws for anything but plain TCP.
it("cuts a connection over TLS", async () => {
  const { dialled, accepted } = await tlsPair();
  const { over } = collect(accepted);
  resetSocket(dialled);
  expect(dialled.destroyed).toBe(true);
  await over;
});

it("lets a tunnel to a gateway over TLS be ended like any other", async () => {
  const [{ dialled: client, accepted: near }, { dialled: upstream, accepted: gateway }] = await Promise.all([
    socketPair(),
    tlsPair(),
  ]);
  const atClient = collect(client);
  const atGateway = collect(gateway);
  const ended = new Promise<TunnelEnd>((onEnd) => {
    const clock = createManualClock(NOW);
    const parts = {
      client: near,
      upstream: { socket: upstream, take() {} },
      firstBytes: [],
      idleTimeoutMs: 0,
      clock,
      onEnd,
    };
    openTunnel(parts).end(1008, "signed out");
  });
  expect(await atClient.over).toBe("end");
  expect(atClient.bytes().subarray(4).toString()).toBe("signed out");
  await atGateway.over;
  client.end();
  expect(await ended).toEqual({ by: "door", code: 1008, words: "signed out" });
});
