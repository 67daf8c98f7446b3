import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it, test } from "vitest";
import { closeFrame } from "../../../proxy/forward/close-frame.ts";
import { openTunnel, type Tunnel, type TunnelEnd } from "../../../proxy/forward/tunnel.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { CLOSE, frame, text } from "./frames-fixture.ts";
import { type Arrived, collect, socketPair } from "./socket-pair.ts";
import { upstreamPair } from "./upstream-pair.ts";

type SocketEnds = { readonly client: Socket; readonly upstream: Socket };

type Fixture = {
  readonly tunnel: Tunnel;
  readonly clock: ManualClock;
  /** The far ends. */
  readonly client: Socket;
  readonly gateway: Socket;
  readonly atClient: Arrived;
  readonly atGateway: Arrived;
  /** The door's own ends. */
  readonly near: SocketEnds;
  readonly ends: TunnelEnd[];
  /** The tunnel has said how it ended. */
  readonly ended: Promise<TunnelEnd>;
};

type Options = {
  readonly firstBytes?: readonly Buffer[];
  readonly idleTimeoutMs?: number;
  readonly readingClient?: boolean;
};

async function open({
  firstBytes = [],
  idleTimeoutMs = 0,
  readingClient = true,
}: Options = {}): Promise<Fixture> {
  const [clientPair, { upstream, gateway }] = await Promise.all([socketPair(), upstreamPair()]);
  const near = { client: clientPair.accepted, upstream: upstream.socket };
  const client = clientPair.dialled;
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
    tunnel = openTunnel({ client: near.client, upstream, firstBytes, idleTimeoutMs, clock, onEnd });
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
    const { gateway, atClient } = await open({
      firstBytes: [text("first").subarray(0, 3), text("first").subarray(3)],
    });
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

  test.each(["end", "resetAndDestroy"] as const)(
    "ends without a word when the gateway goes away in the middle of a frame by %s: none may stand there",
    async (how) => {
      const { gateway, atClient, ended } = await open();
      const half = text("half a frame").subarray(0, 6);
      gateway.write(half);
      await atClient.atLeast(6);
      gateway[how]();
      expect(await ended).toEqual({ by: "gateway-lost" });
      expect([await atClient.over, atClient.bytes()]).toEqual(["end", half]);
    },
  );

  it("ends without a word when the gateway has announced a length that no frame can have", async () => {
    const { gateway, atClient, ended } = await open();
    const impossible = Buffer.alloc(100, 0xff);
    impossible.set([0x82, 127]);
    gateway.write(impossible);
    await atClient.atLeast(100);
    gateway.end();
    expect(await ended).toEqual({ by: "gateway-lost" });
    expect(atClient.bytes()).toEqual(impossible);
  });

  it("adds no close frame to a conversation that the client has closed", async () => {
    const { client, gateway, atClient, atGateway, ended } = await open();
    const goodbye = frame({ opcode: CLOSE, masked: true, payload: Buffer.from([0x03, 0xe8]) });
    client.write(goodbye);
    await atGateway.atLeast(goodbye.length);
    gateway.end();
    expect(await ended).toEqual({ by: "peers" });
    expect(atClient.bytes().length).toBe(0);
  });

  it("ends though its gateway was gone before it began", async () => {
    const [{ dialled, accepted }, { upstream }] = await Promise.all([socketPair(), upstreamPair()]);
    const gone = once(upstream.socket, "close");
    upstream.socket.destroy();
    await gone;
    const { over } = collect(dialled);
    const end = await new Promise<TunnelEnd>((onEnd) => {
      const clock = createManualClock(NOW);
      openTunnel({ client: accepted, upstream, firstBytes: [], idleTimeoutMs: 0, clock, onEnd });
    });
    expect([end, await over]).toEqual([{ by: "gateway-lost" }, "end"]);
  });

  it("leaves nothing to be called later", async () => {
    const { tunnel, client, atClient, ended, clock } = await open();
    tunnel.end(1008, "signed out");
    await atClient.over;
    client.end();
    await ended;
    expect(clock.pending()).toBe(0);
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

  test.each(["toClient", "toGateway"] as const)("is in use while something passes %s", async (direction) => {
    const [used, unused] = await Promise.all([open({ idleTimeoutMs: 300 }), open({ idleTimeoutMs: 300 })]);
    const down = direction === "toClient";
    const [from, to] = down ? [used.gateway, used.client] : [used.client, used.gateway];
    to.on("data", () => from.write(text("x")));
    from.write(text("x"));
    await unused.atClient.over;
    expect(used.ends).toEqual([]);
    expect(used.near.client.writableEnded).toBe(false);
    expect(used.tunnel.traffic.bytes[down ? "toGateway" : "toClient"]).toBe(0);
    from.destroy();
  });

  it("passes a message of 100 MB on as it comes", async () => {
    const { client, gateway, atGateway, near, tunnel } = await open();
    gateway.pause();
    const message = frame({ payload: Buffer.alloc(100_000_000, 9), masked: true });
    const paused = once(near.client, "pause");
    client.write(message);
    await paused;
    let held = 0;
    near.client.on("data", () => {
      held = Math.max(held, near.upstream.writableLength);
    });
    gateway.resume();
    expect((await atGateway.atLeast(message.length)).equals(message)).toBe(true);
    expect(held).toBeLessThan(1_000_000);
    expect(tunnel.traffic).toEqual({
      messages: { toClient: 0, toGateway: 1 },
      bytes: { toClient: 0, toGateway: message.length },
    });
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

  it("sends its close frame behind a frame that was under way also when the gateway says much more", async () => {
    const { tunnel, gateway, atClient } = await open();
    const whole = frame({ payload: Buffer.alloc(100_000, 1) });
    gateway.write(whole.subarray(0, 6));
    await atClient.atLeast(6);
    tunnel.end(1008, "signed out");
    gateway.write(Buffer.concat([whole.subarray(6), frame({ payload: Buffer.alloc(1_000_000, 2) })]));
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes().equals(Buffer.concat([whole, closeFrame(1008, "signed out")]))).toBe(true);
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
    const { tunnel, client, gateway, atClient, near, clock, ended } = await open();
    const endless = Buffer.alloc(14, 0xff);
    endless.set([0x82, 127, 0, 0, 0xff]);
    gateway.write(endless);
    await atClient.atLeast(endless.length);
    client.pause();
    tunnel.end(1008, "signed out");
    await flood(gateway, once(near.upstream, "pause"));
    expect(near.client.writableLength).toBeLessThan(LIMIT);
    clock.advance(250);
    expect(await ended).toMatchObject({ by: "door" });
  });

  test.each(["door", "gateway"] as const)(
    "stops a client that is still heard out when the %s ends it",
    async (by) => {
      const { tunnel, client, gateway, atClient, near, ended } = await open();
      gateway.pause();
      await flood(client, once(near.client, "pause"));
      if (by === "door") tunnel.end(1012, "restarting");
      else gateway.resetAndDestroy();
      // It finishes by itself, and that is noticed, however much it has said meanwhile.
      expect(await atClient.over).toBe("end");
      expect(await ended).toEqual(
        by === "door" ? { by: "door", code: 1012, words: "restarting" } : { by: "gateway-lost" },
      );
    },
  );

  it("can be ended while it is stopped", async () => {
    const { tunnel, gateway, atGateway, near, clock, ended } = await open({ readingClient: false });
    await flood(gateway, once(near.upstream, "pause"));
    tunnel.end(1008, "signed out");
    clock.advance(1_250);
    expect(await ended).toEqual({ by: "door", code: 1008, words: "signed out" });
    expect(await atGateway.over).toBe("reset");
  });
});

describe("a client that reads slowly", () => {
  const MIB = 1024 * 1024;
  const LAST_WORD = closeFrame(1013, "the gateway went away, try again");

  /** A gateway that has spoken in whole frames, and a client that has not taken all of it. */
  async function notAllTaken() {
    const fixture = await open({ readingClient: false });
    const { tunnel, gateway, near } = fixture;
    // Small enough that the door reads on, and so notices the gateway's end.
    const message = frame({ payload: Buffer.alloc(8 * 1024, 5) });
    let said = 0;
    while (near.client.writableLength === 0) {
      gateway.write(message);
      said += message.length;
      while (tunnel.traffic.bytes.toClient < said) await new Promise((resolve) => setImmediate(resolve));
    }
    return { ...fixture, said };
  }

  async function leftBehind() {
    const fixture = await notAllTaken();
    const noticed = once(fixture.near.upstream, "end");
    fixture.gateway.end();
    await noticed;
    return fixture;
  }

  it("gets 64 MiB no faster than it reads them: the gateway is held back, the door holds nothing", async () => {
    const { client, gateway, atClient, near } = await open({ readingClient: false });
    const all = frame({ payload: Buffer.alloc(64 * MIB, 3) });
    const paused = once(near.upstream, "pause");
    gateway.write(all);
    await paused;
    // What the system holds for two connections, and no more.
    expect(near.upstream.bytesRead).toBeLessThan(32 * MIB);
    expect(near.client.writableLength).toBeLessThan(MIB);
    client.resume();
    expect((await atClient.atLeast(all.length)).equals(all)).toBe(true);
  });

  it("reads to the end what its gateway said before it went, and then why it ends", async () => {
    const { client, atClient, near, clock, ended, said } = await leftBehind();
    clock.advance(1_000);
    expect(near.client.destroyed).toBe(false);
    client.resume();
    expect(await atClient.over).toBe("end");
    expect(atClient.bytes().length).toBe(said + LAST_WORD.length);
    expect(atClient.bytes().subarray(said)).toEqual(LAST_WORD);
    expect(await ended).toEqual({ by: "gateway-lost" });
  });

  it("that has taken everything has a second to finish too", async () => {
    const { gateway, near, clock, ended } = await open({ readingClient: false });
    const noticed = once(near.upstream, "end");
    gateway.end(text("bye"));
    await noticed;
    clock.advance(999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual({ by: "gateway-lost" });
  });

  it("is cut off when it has taken nothing for five seconds", async () => {
    const { near, clock, ended } = await leftBehind();
    clock.advance(5_999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual({ by: "gateway-lost" });
  });

  it("is cut off a second after its access has ended, though it would be given longer", async () => {
    const { tunnel, near, clock, ended } = await leftBehind();
    tunnel.end(1008, "signed out");
    clock.advance(999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual({ by: "gateway-lost" });
  });

  it("is cut off after a minute, however much it has taken", async () => {
    const { near, clock, ended } = await leftBehind();
    let waiting = 1_000;
    Object.defineProperty(near.client, "writableLength", { get: () => (waiting -= 1) });
    clock.advance(60_999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual({ by: "gateway-lost" });
  });

  it("has only a second when it is the door that ends it, whatever it has not taken", async () => {
    const { tunnel, near, clock, ended } = await notAllTaken();
    tunnel.end(1008, "signed out");
    clock.advance(999);
    expect(near.client.destroyed).toBe(false);
    clock.advance(1);
    expect(await ended).toEqual({ by: "door", code: 1008, words: "signed out" });
  });
});
