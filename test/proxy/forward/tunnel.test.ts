import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it, test } from "vitest";
import { closeFrame } from "../../../proxy/forward/close-frame.ts";
import { openTunnel, type Tunnel, type TunnelEnd } from "../../../proxy/forward/tunnel.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { CLOSE, frame, text } from "./frames-fixture.ts";
import { type Arrived, collect, socketPair } from "./socket-pair.ts";

type Fixture = {
  readonly tunnel: Tunnel;
  readonly clock: ManualClock;
  /** The far ends. */
  readonly client: Socket;
  readonly gateway: Socket;
  readonly atClient: Arrived;
  readonly atGateway: Arrived;
  /** The door's own ends. */
  readonly near: { readonly client: Socket; readonly upstream: Socket };
  readonly ends: TunnelEnd[];
  /** The tunnel has said how it ended. */
  readonly ended: Promise<TunnelEnd>;
};

type Options = {
  readonly firstBytes?: Buffer;
  readonly idleTimeoutMs?: number;
  readonly readingClient?: boolean;
};

async function open({
  firstBytes = Buffer.alloc(0),
  idleTimeoutMs = 0,
  readingClient = true,
}: Options = {}): Promise<Fixture> {
  const [clientPair, gatewayPair] = await Promise.all([socketPair(), socketPair()]);
  const near = { client: clientPair.accepted, upstream: gatewayPair.dialled };
  const [client, gateway] = [clientPair.dialled, gatewayPair.accepted];
  const clock = createManualClock(NOW);
  const ends: TunnelEnd[] = [];
  const atClient = collect(client);
  if (!readingClient) client.pause();
  const atGateway = collect(gateway);
  let tunnel: Tunnel | undefined;
  const ended = new Promise<TunnelEnd>((resolve) => {
    const onEnd = (end: TunnelEnd) => {
      ends.push(end);
      resolve(end);
    };
    tunnel = openTunnel({ ...near, firstBytes, idleTimeoutMs, clock, onEnd });
  });
  if (tunnel === undefined) throw new Error("a promise runs its function at once");
  return { tunnel, clock, client, gateway, atClient, atGateway, near, ends, ended };
}

/** Frames that can be told from each other, with 64 KiB and more among them. */
function numbered(count: number): Buffer {
  const payload = (index: number) => Buffer.alloc(index % 50 === 0 ? 70_000 : index % 200, index % 256);
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame({ payload: payload(index) })));
}

describe("a tunnel", () => {
  it("passes every byte both ways, in order", async () => {
    const { client, gateway, atClient, atGateway } = await open();
    const [down, up] = [numbered(300), Buffer.from(numbered(200)).reverse()];
    for (let at = 0; at < down.length; at += 7_777) gateway.write(down.subarray(at, at + 7_777));
    for (let at = 0; at < up.length; at += 3_333) client.write(up.subarray(at, at + 3_333));
    expect((await atClient.atLeast(down.length)).equals(down)).toBe(true);
    expect((await atGateway.atLeast(up.length)).equals(up)).toBe(true);
  });

  it("begins with what the gateway sent behind its 101", async () => {
    const { gateway, atClient } = await open({ firstBytes: text("first") });
    gateway.write(text("second"));
    expect(await atClient.atLeast(15)).toEqual(Buffer.concat([text("first"), text("second")]));
  });

  it("lets a client that has finished hear the gateway out", async () => {
    const { client, gateway, atClient, atGateway, ended } = await open();
    client.end(frame({ payload: Buffer.from("bye"), masked: true }));
    expect(await atGateway.over).toBe("end");
    gateway.end(text("last words"));
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(text("last words"));
    expect(await ended).toEqual({ by: "peers" });
  });

  it("passes on the gateway's own close frame and adds none", async () => {
    const { gateway, atClient, ended, clock } = await open();
    const goodbye = frame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) });
    gateway.end(goodbye);
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(goodbye);
    clock.advance(1_000);
    expect(await ended).toEqual({ by: "peers" });
  });

  test.each(["end", "resetAndDestroy"] as const)(
    "says 1013 when the gateway goes away by %s",
    async (how) => {
      const { gateway, atClient, atGateway, ended, client, clock } = await open();
      gateway.write(text("half a conversation"));
      await atClient.atLeast(21);
      gateway[how]();
      expect(await atClient.over).toBe("end");
      expect(atClient.bytes()).toEqual(
        Buffer.concat([text("half a conversation"), closeFrame(1013, "the gateway went away, try again")]),
      );
      client.end();
      clock.advance(1_000);
      expect(await ended).toEqual({ by: "gateway-lost" });
      expect(atGateway.bytes().length).toBe(0);
    },
  );

  it("cuts the client off when the gateway goes away in the middle of a frame", async () => {
    const { gateway, atClient, ended, clock, near } = await open();
    const half = text("half a frame").subarray(0, 6);
    gateway.write(half);
    await atClient.atLeast(6);
    const closed = new Promise<void>((resolve) => near.upstream.once("close", () => resolve()));
    gateway.resetAndDestroy();
    await closed;
    clock.advance(250);
    expect(await ended).toEqual({ by: "gateway-lost" });
    await atClient.over;
    expect(atClient.bytes()).toEqual(half);
  });

  test.each(["destroy", "resetAndDestroy"] as const)(
    "ends at the gateway when the client goes away by %s",
    async (how) => {
      const { client, gateway, ended, ends } = await open();
      const gone = once(gateway, "close");
      gateway.on("end", () => gateway.end());
      client[how]();
      expect(await ended).toEqual({ by: "peers" });
      await gone;
      expect(ends).toEqual([{ by: "peers" }]);
    },
  );

  it("that nobody uses ends with 1001", async () => {
    const { atClient } = await open({ idleTimeoutMs: 20 });
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(closeFrame(1001, "idle for too long"));
  });
});

describe("a tunnel that the door ends", () => {
  const DOOR: TunnelEnd = { by: "door", code: 1008, words: "signed out" };

  it("between two frames: a close frame to the client, a reset to the gateway", async () => {
    const { tunnel, gateway, client, atClient, atGateway, ended, ends } = await open();
    gateway.write(text("hello"));
    await atClient.atLeast(7);
    tunnel.end(1008, "signed out");
    expect(await atGateway.over).toBe("reset");
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(Buffer.concat([text("hello"), closeFrame(1008, "signed out")]));
    client.end();
    expect(await ended).toEqual(DOOR);
    expect(ends).toEqual([DOOR]);
  });

  it("in the middle of a frame: lets that frame end, and nothing behind it", async () => {
    const { tunnel, gateway, atClient, ended, clock } = await open();
    const whole = text("the frame that was under way");
    gateway.write(whole.subarray(0, 9));
    await atClient.atLeast(9);
    tunnel.end(1008, "signed out");
    gateway.write(whole.subarray(9, 12));
    await atClient.atLeast(12);
    gateway.write(Buffer.concat([whole.subarray(12), text("secret"), text("more")]));
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(Buffer.concat([whole, closeFrame(1008, "signed out")]));
    clock.advance(1_000);
    expect(await ended).toEqual(DOOR);
  });

  it("in the middle of a frame that does not go on: cuts it after 250 ms", async () => {
    const { tunnel, gateway, atClient, atGateway, ended, clock, near } = await open();
    const half = text("half a frame").subarray(0, 6);
    gateway.write(half);
    await atClient.atLeast(6);
    tunnel.end(1008, "signed out");
    clock.advance(249);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual(DOOR);
    await Promise.all([atClient.over, atGateway.over]);
    expect(atClient.bytes()).toEqual(half);
  });

  it("takes nothing more from the client, from that moment on", async () => {
    const { tunnel, client, gateway, atClient, atGateway } = await open();
    gateway.write(text("half a frame").subarray(0, 6));
    await atClient.atLeast(6);
    client.write("before");
    await atGateway.atLeast(6);
    tunnel.end(1008, "signed out");
    client.write("behind");
    gateway.write(text("half a frame").subarray(6));
    expect(await atClient.over).toBe("end");
    await atGateway.over;
    expect(atGateway.bytes().toString()).toBe("before");
  });

  it("does not wait for a client that does not read its close frame", async () => {
    const { tunnel, clock, ended, near } = await open({ readingClient: false });
    tunnel.end(1008, "signed out");
    clock.advance(999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual(DOOR);
  });

  it("is ended once, for the first reason", async () => {
    const { tunnel, atClient, ended, clock, ends } = await open();
    tunnel.end(1008, "signed out");
    tunnel.end(1012, "restarting");
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(closeFrame(1008, "signed out"));
    clock.advance(1_000);
    expect(await ended).toEqual(DOOR);
    expect(ends).toHaveLength(1);
  });

  it("says nothing behind the gateway's own close frame: nothing may follow one", async () => {
    const { tunnel, gateway, atClient } = await open();
    const goodbye = frame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) });
    gateway.write(goodbye);
    await atClient.atLeast(4);
    tunnel.end(1008, "signed out");
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes()).toEqual(goodbye);
  });
});

describe("a reader slower than the writer", () => {
  const CHUNK = frame({ payload: Buffer.alloc(64 * 1024, 7) });
  const LIMIT = 512 * 1024;

  /** Writes until the socket takes no more, then tells how many bytes went in. */
  async function flood(from: Socket, paused: Promise<unknown>): Promise<number> {
    let stopped = false;
    void paused.then(() => {
      stopped = true;
    });
    let sent = 0;
    while (!stopped) {
      sent += CHUNK.length;
      if (!from.write(CHUNK)) await Promise.race([once(from, "drain"), paused]);
    }
    return sent;
  }

  it("at the client stops the gateway, and nothing is lost", async () => {
    const { client, gateway, atClient, near } = await open({ readingClient: false });
    const sent = await flood(gateway, once(near.upstream, "pause"));
    expect(near.upstream.isPaused()).toBe(true);
    expect(near.client.writableLength).toBeLessThan(LIMIT);
    client.resume();
    expect((await atClient.atLeast(sent)).length).toBe(sent);
    expect(near.upstream.isPaused()).toBe(false);
  });

  it("at the gateway stops the client, and nothing is lost", async () => {
    const { client, gateway, atGateway, near } = await open();
    gateway.pause();
    const sent = await flood(client, once(near.client, "pause"));
    expect(near.client.isPaused()).toBe(true);
    expect(near.upstream.writableLength).toBeLessThan(LIMIT);
    gateway.resume();
    expect((await atGateway.atLeast(sent)).length).toBe(sent);
    expect(near.client.isPaused()).toBe(false);
  });

  it("stops the gateway also while the last frame is let through", async () => {
    const { tunnel, gateway, near, clock, ended } = await open({ readingClient: false });
    const endless = Buffer.alloc(14, 0xff);
    endless.set([0x82, 127, 0, 0, 0xff]);
    gateway.write(endless);
    await once(near.upstream, "data");
    tunnel.end(1008, "signed out");
    await flood(gateway, once(near.upstream, "pause"));
    expect(near.client.writableLength).toBeLessThan(LIMIT);
    clock.advance(250);
    expect(await ended).toMatchObject({ by: "door" });
  });

  it("can be ended while it is stopped", async () => {
    const { tunnel, gateway, atGateway, near, clock, ended } = await open({ readingClient: false });
    await flood(gateway, once(near.upstream, "pause"));
    tunnel.end(1008, "signed out");
    clock.advance(1_250);
    expect(await ended).toEqual({ by: "door", code: 1008, words: "signed out" });
    expect(await atGateway.over).toBe("reset");
  });
});
