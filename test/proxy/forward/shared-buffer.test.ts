import { once } from "node:events";
import { expect, it } from "vitest";
import { openTunnel } from "../../../proxy/forward/tunnel.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { frame } from "./frames-fixture.ts";
import { collect, socketPair } from "./socket-pair.ts";
import { upstreamPair } from "./upstream-pair.ts";

const MESSAGE_BYTES = 8 * 1024 * 1024;

/** A person's own connection, over which their gateway sends one long message of this byte alone. */
async function connectionOf(byte: number) {
  const [{ dialled: client, accepted }, { upstream, gateway }] = await Promise.all([
    socketPair(),
    upstreamPair(),
  ]);
  openTunnel({
    client: accepted,
    upstream,
    firstBytes: [],
    idleTimeoutMs: 0,
    clock: createManualClock(NOW),
    onEnd() {},
  });
  const message = frame({ payload: Buffer.alloc(MESSAGE_BYTES, byte) });
  return { client, arrived: collect(client), near: accepted, upstream, gateway, message };
}

// Gateways are read into one buffer. What waits for a slow reader must not lie in it when the next one is read.
it("nobody gets a byte of somebody else's, however slowly they read", async () => {
  const slow = await connectionOf(0xaa);
  const fast = await connectionOf(0xbb);
  slow.client.pause();
  const heldBack = once(slow.upstream.socket, "pause");
  slow.gateway.write(slow.message);
  await heldBack;
  expect(slow.near.writableLength).toBeGreaterThan(0);
  fast.gateway.write(fast.message);
  expect((await fast.arrived.atLeast(fast.message.length)).equals(fast.message)).toBe(true);
  slow.client.resume();
  expect((await slow.arrived.atLeast(slow.message.length)).equals(slow.message)).toBe(true);
});
