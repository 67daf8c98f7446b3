// Nobody stays at a gateway whom the front door no longer confirms, and whoever it names is gone at once.
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { SessionId } from "../../core/ids.ts";
import { ALICE, BOB, sessionId } from "../support/assertion-fixture.ts";
import { connectDoor, LEASE_MS } from "../support/door-channel.ts";
import {
  ask,
  HANDSHAKE,
  startTestGateway,
  type TestClient,
  type TestGateway,
  type TestGatewayOptions,
} from "../support/gateway-fixture.ts";
import { firstLine, halfAnUpgrade } from "../support/half-upgrade.ts";

const [A, B, C] = [sessionId("A"), sessionId("B"), sessionId("C")];
const EXPIRED = { code: 1008, reason: "the front door no longer confirms this session" };
/** Pings of the clients' heartbeat, which a test that moves the clock would have to wait for. */
const QUIET = { heartbeat: { interval: "1h", timeout: "1h" } };

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.dispose();
});

async function start(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ ...options, gateway: { ...QUIET, ...options.gateway } });
  started.push(gateway);
  return gateway;
}

/** Waits for as many lines about ended connections. */
async function endings(gateway: TestGateway, expected: number) {
  for (;;) {
    const lines = await gateway.auditLines("connection_closed");
    if (lines.length >= expected)
      return lines.map(({ outcome, userId, sid, reason, event }) => ({
        outcome,
        userId,
        sid,
        reason,
        event,
      }));
  }
}

function ending(sid: SessionId, reason: string, event: number | null = null, userId = ALICE) {
  return { outcome: "allowed", userId, sid, reason, event };
}

/** Closed by nobody, as a request and its answer show. */
async function expectOpen(...clients: TestClient[]) {
  for (const client of clients) await client.request("health");
}

function end(changes: Record<string, unknown> = {}) {
  const frame = { type: "end", event: 7, sids: [A], agent: null, code: 1008, words: "signed out elsewhere" };
  return { ...frame, ...changes };
}

describe("a lease", () => {
  test("runs out a minute after admission when no front door ever comes", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    gateway.clock.advance(59_999);
    await expectOpen(client);
    gateway.clock.advance(1);
    expect(await client.closed).toEqual(EXPIRED);
    expect(await gateway.auditLines("connection_closed")).toEqual([
      {
        time: "2026-11-02T09:01:00.000Z",
        kind: "connection_closed",
        outcome: "allowed",
        code: null,
        reason: "lease_expired",
        requestId: expect.stringMatching(/^r_/),
        userId: ALICE,
        email: "alice@example.com",
        sid: A,
        provider: null,
        peer: null,
        method: null,
        path: null,
        agent: null,
        gateway: "cloud",
        endpoint: "cloud-1",
        event: null,
      },
    ]);
  });

  test("lasts as long as the configuration says until a front door says otherwise", async () => {
    const gateway = await start({ gateway: { lease: "5s" } });
    const before = await gateway.connect();
    const door = await connectDoor(gateway, 30_000);
    const after = await gateway.connect();
    await door.settled();
    gateway.clock.advance(5_000);
    expect(await before.closed).toEqual(EXPIRED);
    await expectOpen(after);
    // The front door's word stands when it is gone.
    door.socket.terminate();
    await door.closed;
    const late = await gateway.connect();
    gateway.clock.advance(25_000);
    expect(await after.closed).toEqual(EXPIRED);
    await expectOpen(late);
  });

  test("ends every connection within its life once the front door is gone", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const clients = await Promise.all([A, B, C].map((sid) => gateway.connect({ sid })));
    gateway.clock.advance(250);
    await door.frame("sessions", ({ sids }) => sids.length === 3);
    door.socket.terminate();
    await door.closed;
    gateway.clock.advance(LEASE_MS);
    for (const client of clients) expect(await client.closed).toEqual(EXPIRED);
    const ended = await endings(gateway, 3);
    expect(ended.map(({ sid }) => sid).sort()).toEqual([A, B, C]);
    expect(new Set(ended.map(({ reason }) => reason))).toEqual(new Set(["lease_expired"]));
  });

  test("is renewed for those that the front door names, and runs out for the others", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const [alive, second, over] = [
      await gateway.connect({ sid: A }),
      await gateway.connect({ sid: A }),
      await gateway.connect({ sid: B }),
    ];
    for (const [waitMs, listed] of [
      [250, [A, B]],
      [20_000, [A, B]],
      [20_000, [A, B]],
      // B is asked for as long as it is there: the front door does not name it.
      [20_000, [A]],
    ] as const) {
      const before = door.newest();
      gateway.clock.advance(waitMs);
      const listing = await door.listing(before);
      expect(listing.sids).toEqual(listed);
      await door.confirm(listing, [A, C]);
    }
    expect(await over.closed).toEqual(EXPIRED);
    await expectOpen(alive, second);
    expect(await endings(gateway, 1)).toEqual([ending(B, "lease_expired")]);
  });

  test("is renewed by either of two front doors", async () => {
    const gateway = await start();
    const [one, other] = [await connectDoor(gateway), await connectDoor(gateway)];
    const client = await gateway.connect();
    gateway.clock.advance(250);
    for (const each of [one, other]) await each.confirm(await each.listing(1), []);
    for (const door of [one, other, other, one]) {
      const before = door.newest();
      gateway.clock.advance(20_000);
      await door.confirm(await door.listing(before), [A]);
      for (const each of [one, other]) await each.settled();
    }
    gateway.clock.advance(59_999);
    await expectOpen(client);
    gateway.clock.advance(1);
    expect(await client.closed).toEqual(EXPIRED);
  });

  test("counts from the asking: an answer that comes late confirms less", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const door = await connectDoor(gateway);
    const first = await door.listing();
    gateway.clock.advance(15_000);
    await door.confirm(first, [A]);
    gateway.clock.advance(44_999);
    await expectOpen(client);
    gateway.clock.advance(1);
    expect(await client.closed).toEqual(EXPIRED);
  });

  test("is not renewed by an answer to a listing that nobody sent", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const door = await connectDoor(gateway);
    gateway.clock.advance(10_000);
    await door.confirm({ listing: 9_999 }, [A]);
    gateway.clock.advance(50_000);
    expect(await client.closed).toEqual(EXPIRED);
  });

  test("is asked for soon after a session is new here, not for every connection of it", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    await door.confirm(await door.listing(), []);
    await gateway.connect({ sid: A });
    await gateway.connect({ sid: B, sub: BOB });
    gateway.clock.advance(250);
    const listing = await door.listing(1);
    expect(listing).toEqual({ type: "sessions", listing: 2, sids: [A, B], last: true });
    await door.confirm(listing, [A, B]);
    await gateway.connect({ sid: A });
    gateway.clock.advance(250);
    await door.settled();
    expect(door.frames.filter(({ type }) => type === "sessions").length).toBe(2);
  });
});

describe("a connection that no front door forwards", () => {
  const JTI = "jti-of-a-direct-connection";
  const OTHER = "jti-of-another-connection";
  const words = "IT removed your access to coder at 14:02 UTC";
  const endDirect = { type: "end_direct", event: 9, jtis: [JTI], code: 1008, words };

  test("is named soon after it has come, with its session and agents, and when it is over", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const client = await gateway.connect({ sid: A, use: "direct", jti: JTI });
    await gateway.connect({ sid: A });
    gateway.clock.advance(250);
    const named = await door.frame("direct", ({ connections }) => connections.length > 0);
    const connection = { jti: JTI, sid: A, agents: ["assistant", "coder"] };
    expect(named).toEqual({ type: "direct", connections: [connection], last: true });
    client.socket.close();
    await client.closed;
    expect(await door.frame("direct_ended")).toEqual({ type: "direct_ended", jti: JTI });
    gateway.clock.advance(20_000);
    await door.settled();
    expect(door.frames.filter(({ type }) => type === "direct").at(-1)).toEqual({
      type: "direct",
      connections: [],
      last: true,
    });
  });

  test("closes at once when it is named, and no other of its session does", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const [client, other, forwarded] = [
      await gateway.connect({ sid: A, use: "direct", jti: JTI }),
      await gateway.connect({ sid: A, use: "direct", jti: OTHER }),
      await gateway.connect({ sid: A }),
    ];
    door.send(endDirect);
    expect(await client.closed).toEqual({ code: 1008, reason: words });
    await expectOpen(other, forwarded);
    expect(await endings(gateway, 1)).toEqual([ending(A, words, 9)]);
    // Told twice, and once of whom it does not know.
    door.send(endDirect);
    door.send({ ...endDirect, jtis: ["jti-that-nobody-knows"], event: null, code: 1013 });
    await door.settled();
    await expectOpen(other, forwarded);
  });

  test("is refused when it comes after its end", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    door.send(endDirect);
    await door.settled();
    const assertion = gateway.door.assertion({ sid: A, use: "direct", jti: JTI });
    const headers = { ...HANDSHAKE, "x-gateway-assertion": assertion };
    expect(await ask(`${gateway.running.url}/ws`, { headers })).toMatchObject({
      status: 401,
      body: { error: { code: "assertion_invalid", reason: "access_ended" } },
    });
    await gateway.connect({ sid: A, use: "direct", jti: OTHER });
  });

  test("lives by its lease like any other", async () => {
    const gateway = await start();
    await connectDoor(gateway);
    const client = await gateway.connect({ sid: A, use: "direct", jti: JTI });
    gateway.clock.advance(LEASE_MS);
    expect(await client.closed).toEqual(EXPIRED);
  });
});

describe("an end of access", () => {
  async function people() {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const alice = await gateway.connect({ sid: A });
    const aliceCoder = await gateway.connect({ sid: A }, "/agents/coder/ws");
    const bob = await gateway.connect({ sid: B, sub: BOB }, "/agents/assistant/ws");
    return { gateway, door, alice, aliceCoder, bob };
  }

  test("closes every connection of the sessions it names, at once, and no other", async () => {
    const { gateway, door, alice, aliceCoder, bob } = await people();
    door.send(end({ sids: [A, C] }));
    const closed = { code: 1008, reason: "signed out elsewhere" };
    expect(await Promise.all([alice.closed, aliceCoder.closed])).toEqual([closed, closed]);
    await expectOpen(bob);
    expect(await endings(gateway, 2)).toEqual([
      ending(A, "signed out elsewhere", 7),
      ending(A, "signed out elsewhere", 7),
    ]);
  });

  test("of one agent closes only the connections that may use it", async () => {
    const { gateway, door, alice, aliceCoder, bob } = await people();
    const words = "IT removed your access to assistant at 14:02 UTC";
    door.send(end({ sids: [A, B], agent: "assistant", words }));
    expect(await alice.closed).toEqual({ code: 1008, reason: words });
    expect(await bob.closed).toEqual({ code: 1008, reason: words });
    await expectOpen(aliceCoder);
    expect(await endings(gateway, 2)).toEqual([ending(A, words, 7), ending(B, words, 7, BOB)]);
  });

  test("for everybody closes everybody, with 1012 when they may come back", async () => {
    const { gateway, door, alice, aliceCoder, bob } = await people();
    door.send(end({ sids: "all", code: 1012, words: "connect again", event: 12 }));
    const closed = { code: 1012, reason: "connect again" };
    expect(await Promise.all([alice, aliceCoder, bob].map((client) => client.closed))).toEqual([
      closed,
      closed,
      closed,
    ]);
    await gateway.connect({ sid: A });
    await gateway.connect({ sid: B, sub: BOB });
    expect((await endings(gateway, 3)).map(({ event }) => event)).toEqual([12, 12, 12]);
  });

  test("for everybody with one agent spares those who may not use it", async () => {
    const { door, alice, aliceCoder, bob } = await people();
    door.send(end({ sids: "all", agent: "coder" }));
    await Promise.all([alice.closed, aliceCoder.closed]);
    await expectOpen(bob);
  });

  test("lets nothing pass in either direction from then on, while the socket is closing", async () => {
    const { gateway, door, alice, aliceCoder } = await people();
    await alice.request("chat.send", {
      sessionKey: "agent:coder:main",
      message: "slow",
      idempotencyKey: "r1",
    });
    await gateway.slowWord();
    await aliceCoder.chat((event) => event.state === "delta");
    const heard = aliceCoder.frames.length;
    // It does not answer the close frame, and goes on talking.
    aliceCoder.socket.pause();
    door.send(end());
    await door.settled();
    aliceCoder.socket.send(
      JSON.stringify({
        type: "req",
        id: "late",
        method: "chat.send",
        params: { sessionKey: "main", message: "late", idempotencyKey: "r2" },
      }),
    );
    await gateway.slowWord();
    await door.settled();
    aliceCoder.socket.resume();
    expect(await aliceCoder.closed).toEqual({ code: 1008, reason: "signed out elsewhere" });
    expect(aliceCoder.frames.length).toBe(heard);
    const back = await gateway.connect({ sid: C });
    const history = await back.request<{ messages: { runId: string }[] }>("chat.history", {
      sessionKey: "agent:coder:main",
    });
    expect(history.messages.map(({ runId }) => runId)).toEqual(["r1"]);
  });

  test("is no longer listed, and frees its place", async () => {
    const { gateway, door, alice, aliceCoder } = await people();
    door.send(end());
    await Promise.all([alice.closed, aliceCoder.closed]);
    const before = door.newest();
    gateway.clock.advance(20_000);
    expect((await door.listing(before)).sids).toEqual([B]);
  });
});

describe("an assertion that arrives after its session's end", () => {
  const statusOf = async (gateway: TestGateway, assertion: string, path = "/ws") => {
    const headers = { ...HANDSHAKE, "x-gateway-assertion": assertion };
    return await ask(`${gateway.running.url}${path}`, { headers });
  };
  const REFUSED = {
    status: 401,
    body: { error: { code: "assertion_invalid", reason: "session_ended" } },
  };

  test("opens nothing: neither a socket nor a plain request, while another session's does", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const [early, plain] = [gateway.door.assertion(), gateway.door.assertion({ use: "http" })];
    door.send(end());
    await door.settled();
    expect(await statusOf(gateway, early)).toMatchObject(REFUSED);
    expect(
      await ask(`${gateway.running.url}/agents/coder/whoami`, { headers: { "x-gateway-assertion": plain } }),
    ).toMatchObject(REFUSED);
    expect((await statusOf(gateway, gateway.door.assertion({ sid: B }))).status).toBe(101);
    const denied = (await gateway.auditLines("admission")).filter(({ outcome }) => outcome === "denied");
    expect(denied.map(({ reason, sid, userId }) => ({ reason, sid, userId }))).toEqual([
      { reason: "session_ended", sid: A, userId: ALICE },
      { reason: "session_ended", sid: A, userId: ALICE },
    ]);
  });

  test("opens nothing when the end comes while its request is being read", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const half = await halfAnUpgrade(gateway.running.port, "/ws", {
      "x-gateway-assertion": gateway.door.assertion(),
    });
    door.send(end());
    await door.settled();
    half.socket.write(half.rest);
    expect(await firstLine(half.socket)).toBe("HTTP/1.1 401 Unauthorized");
    await door.settled();
    expect(await gateway.auditLines("connection_closed")).toEqual([]);
  });

  test("and was admitted a moment before its end is closed: there is nothing between", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    let admitted = 0;
    for (const [round, letter] of [..."abcdefghijklmnopqrst"].entries()) {
      const sid = sessionId(letter);
      const half = await halfAnUpgrade(gateway.running.port, "/ws", {
        "x-gateway-assertion": gateway.door.assertion({ sid }),
      });
      // Written in one breath; whichever the gateway reads first.
      const acts = [() => half.socket.write(half.rest), () => door.send(end({ sids: [sid] }))];
      for (const act of round % 2 === 0 ? acts : acts.reverse()) act();
      const answer = await wholeAnswer(half.socket);
      if (answer.startsWith("HTTP/1.1 401 ")) continue;
      expect(answer).toMatch(/^HTTP\/1.1 101 /);
      expect(answer).toContain("signed out elsewhere");
      admitted += 1;
    }
    const ended = admitted === 0 ? [] : await endings(gateway, admitted);
    expect(new Set(ended.map(({ reason }) => reason)).size).toBeLessThanOrEqual(1);
    expect(ended.length).toBe(admitted);
  });

  test.each([
    ["when only one agent was taken away", { agent: "coder" }],
    ["when it may connect again", { code: 1012 }],
    ["when everybody's connections were ended", { sids: "all" }],
  ])("opens as ever %s", async (_, changes) => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    door.send(end(changes));
    await door.settled();
    expect((await statusOf(gateway, gateway.door.assertion())).status).toBe(101);
  });
});

/** Everything up to a refusal's end, or to the words of a close frame; then hangs up. */
async function wholeAnswer(socket: Socket): Promise<string> {
  let answer = "";
  await new Promise<void>((resolve) => {
    socket.on("end", resolve);
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer.includes("signed out elsewhere")) resolve();
    });
  });
  socket.destroy();
  return answer;
}

describe("the audit log", () => {
  async function reasonOf(
    act: (gateway: TestGateway, client: TestClient) => unknown,
    options?: TestGatewayOptions,
  ) {
    const gateway = await startTestGateway(options);
    started.push(gateway);
    await act(gateway, await gateway.connect());
    const [line] = await endings(gateway, 1);
    return line?.reason;
  }

  test("has one line for every connection's end, with its reason", async () => {
    expect(await reasonOf((_, { socket }) => socket.close(1000))).toBe("closed by the other end with 1000");
    expect(await reasonOf((_, { socket }) => socket.terminate())).toBe("closed by the other end with 1006");
    expect(await reasonOf((_, { socket }) => socket.send("nonsense"))).toBe("invalid frame: not JSON");
    expect(
      await reasonOf((_, { socket }) => socket.send("x".repeat(2_000)), {
        gateway: { maxMessageSize: 1_024 },
      }),
    ).toBe("broken frame: Max payload size exceeded");
    expect(
      await reasonOf(async (gateway) => {
        const silent = await gateway.open({ sid: B });
        gateway.clock.advance(10_000);
        await silent.closed;
      }),
    ).toBe("connect timeout");
    expect(await reasonOf(({ running }) => running.close())).toBe(
      "the gateway is restarting, come back in 1 s",
    );
    expect(
      await reasonOf((gateway, { socket }) => {
        socket.pause();
        gateway.clock.advance(40_000);
      }),
    ).toBe("no answer to a ping");
  });

  test("has no second line when a closed connection is cut later", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    client.socket.pause();
    gateway.clock.advance(60_000);
    gateway.clock.advance(5_000);
    client.socket.resume();
    await client.closed;
    const other = await gateway.connect();
    other.socket.terminate();
    expect((await endings(gateway, 2)).map(({ reason }) => reason)).toEqual([
      "lease_expired",
      "closed by the other end with 1006",
    ]);
  });
});
