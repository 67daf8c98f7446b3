import { describe, expect, it } from "vitest";
import { type ConnectionState, createGatewayClient } from "../../web/client/gateway-client.ts";
import { createFakeDoor, createFakeGateway, refusal, signedIn } from "./fake-gateway.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

const URL = "ws://localhost/agents/assistant/ws";

function setUp(random = 0.5) {
  const gateway = createFakeGateway();
  const door = createFakeDoor();
  const timers = createManualTimers();
  const states: ConnectionState[] = [];
  const heard: string[] = [];
  const client = createGatewayClient(
    URL,
    "assistant",
    {
      openSocket: gateway.openSocket,
      fetch: door.fetch,
      after: timers.after,
      random: () => random,
      client: { version: "1.2.3", platform: "test" },
    },
    {
      state: (state) => states.push(state),
      welcomed: () => heard.push("welcomed"),
      event: (frame) => heard.push(frame.event),
      ended: (end) => heard.push(`ended ${end.code}`),
    },
  );
  return { gateway, door, timers, states, heard, client };
}

async function connected(random = 0.5) {
  const world = setUp(random);
  world.client.connect();
  await world.gateway.carry();
  expect(world.states.at(-1)).toEqual({ kind: "connected" });
  return world;
}

describe("the gateway client", () => {
  it("waits for the challenge, introduces itself once and is welcomed", async () => {
    const { gateway, states, heard } = await connected();
    expect(gateway.received).toEqual([
      {
        type: "req",
        id: "1",
        method: "connect",
        params: {
          minProtocol: 4,
          maxProtocol: 4,
          client: { id: "webchat-ui", version: "1.2.3", platform: "test", mode: "webchat" },
          role: "operator",
          scopes: ["operator.read", "operator.write"],
        },
      },
    ]);
    expect(states).toEqual([{ kind: "connecting" }, { kind: "connected" }]);
    expect(heard).toEqual(["welcomed"]);
  });

  it("says nothing before the challenge", async () => {
    const { gateway, client } = setUp();
    client.connect();
    await settled();
    expect(gateway.links.map((link) => link.toServer)).toEqual([[]]);
  });

  it("counts down to the next attempt, and connects then", async () => {
    const { gateway, timers, states } = await connected(0);
    await timers.advance(5_000);
    gateway.refuseWith = 1006;
    gateway.cut();
    await settled();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await timers.advance(2_000);
      await gateway.carry();
      await settled();
    }
    gateway.refuseWith = null;
    await timers.advance(5_000);
    await gateway.carry();
    const lost = (inSeconds: number) => ({
      kind: "reconnecting",
      message: "The connection was lost.",
      inSeconds,
    });
    const unreached = (inSeconds: number) => ({
      kind: "reconnecting",
      message: "The gateway could not be reached.",
      inSeconds,
    });
    expect(states.slice(2)).toEqual([
      lost(1), // 250 ms, rounded up
      lost(0),
      unreached(1), // 500 ms
      unreached(0),
      unreached(1), // 1 s
      unreached(0),
      unreached(2), // 2 s
      unreached(1),
      unreached(0),
      { kind: "connected" },
    ]);
  });

  it("waits longer each time when connections are accepted and lost at once", async () => {
    const { gateway, timers, states } = await connected(0);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      gateway.cut();
      await settled();
      const state = states.at(-1);
      waits.push(state !== undefined && "inSeconds" in state ? state.inSeconds : -1);
      await timers.advance((waits.at(-1) ?? 0) * 1_000);
      await gateway.carry();
      expect(states.at(-1)).toEqual({ kind: "connected" });
    }
    expect(waits).toEqual([1, 1, 1, 2, 4, 8, 15, 15]);
  });

  it("starts the back-off anew after a connection that lasted", async () => {
    const { gateway, timers, states } = await connected(0);
    for (let round = 0; round < 5; round += 1) {
      gateway.cut();
      await timers.advance(4_000);
      await gateway.carry();
    }
    await timers.advance(5_000);
    gateway.cut();
    await settled();
    expect(states.at(-1)).toEqual({
      kind: "reconnecting",
      message: "The connection was lost.",
      inSeconds: 1,
    });
  });

  it("does not wait when told to try now, and makes one connection only", async () => {
    const { gateway, timers, client } = await connected();
    gateway.cut();
    await settled();
    expect([gateway.open(), gateway.links.length]).toEqual([0, 1]);
    client.connect();
    client.connect();
    client.wake();
    await gateway.carry();
    await timers.advance(60_000);
    expect([gateway.open(), gateway.links.length]).toEqual([1, 2]);
  });

  it("tells a gateway that is down from a network that is away", async () => {
    const { gateway, door, client, states } = setUp();
    gateway.refuseWith = 1006;
    door.answer = signedIn("down");
    client.connect();
    await gateway.carry();
    await settled();
    expect(states.at(-1)).toEqual({
      kind: "gateway_down",
      message: 'The gateway "Cloud" is not answering.',
      inSeconds: 1,
    });
  });

  it("waits at least as long as the front door asks for", async () => {
    const { gateway, door, client, states } = setUp(0);
    gateway.refuseWith = 1006;
    door.answer = refusal(503, "store_unavailable", "The front door cannot read its sessions.");
    client.connect();
    await gateway.carry();
    await settled();
    expect(states.at(-1)).toEqual({
      kind: "reconnecting",
      message: "The front door cannot read its sessions.",
      inSeconds: 7,
    });
  });

  it("comes back when whoever restarts has said, each a little later than that", async () => {
    const waits: unknown[] = [];
    for (const random of [0, 0.5, 0.99]) {
      const { gateway, states } = await connected(random);
      gateway.cut(1012, "the front door is restarting, come back in 20 s");
      await settled();
      waits.push(states.at(-1));
    }
    const message = "The front door is restarting, come back in 20 s.";
    expect(waits).toEqual([20, 23, 25].map((inSeconds) => ({ kind: "reconnecting", message, inSeconds })));
  });

  it("says that the agent has moved, and goes where it is", async () => {
    const { gateway, timers, states } = await connected(0);
    gateway.cut(1012, "your agent has moved, connect again");
    await timers.advance(1_000);
    await gateway.carry();
    const moved = (inSeconds: number) => ({
      kind: "moved",
      message: "Your agent has moved, connect again.",
      inSeconds,
    });
    expect(states.slice(2)).toEqual([moved(1), moved(0), { kind: "connected" }]);
  });

  it("says that the session is over when its tab comes back, though the connection still lives", async () => {
    const { gateway, door, client, states, heard } = await connected();
    door.answer = refusal(401, "session_ended", "Your session has ended.");
    client.wake();
    await settled();
    expect(states.slice(2)).toEqual([
      {
        kind: "signed_out",
        refusal: {
          message: "Your session has ended. Sign in again.",
          requestId: "r_1",
          contact: "it@example.com",
        },
      },
    ]);
    expect([gateway.open(), door.asked, heard]).toEqual([0, 1, ["welcomed", "ended 1008"]]);
  });

  it("connects again when its tab comes back signed in", async () => {
    const { gateway, door, client, states } = await connected();
    const signedInAgain = door.answer;
    door.answer = refusal(401, "session_ended", "Your session has ended.");
    gateway.cut(1008, "signed out");
    await settled();
    expect(states.at(-1)?.kind).toBe("signed_out");
    client.wake();
    await settled();
    expect([states.at(-1)?.kind, gateway.links.length]).toEqual(["signed_out", 1]);
    door.answer = signedInAgain;
    client.wake();
    await settled();
    await gateway.carry();
    expect([states.at(-1)?.kind, gateway.open()]).toEqual(["connected", 1]);
  });

  it("stays connected when the front door cannot say whether the session lives", async () => {
    const { gateway, door, client, states } = await connected();
    door.answer = refusal(503, "store_unavailable", "The front door cannot read its sessions.");
    client.wake();
    await gateway.carry();
    expect([states.at(-1)?.kind, gateway.open()]).toEqual(["connected", 1]);
  });

  it.each([
    ["signed_out", refusal(401, "session_ended", "Your session has ended.")],
    ["refused", refusal(403, "user_denied", "An administrator has excluded this account.")],
  ])("after a refused upgrade it is %s when the front door says so, and stays so", async (kind, answer) => {
    const { gateway, door, timers, client, states } = setUp();
    gateway.refuseWith = 1006;
    door.answer = answer;
    client.connect();
    await gateway.carry();
    await timers.advance(3_600_000);
    client.wake();
    await timers.advance(3_600_000);
    expect(states.map((state) => state.kind)).toEqual(["connecting", kind]);
    expect(gateway.links.length).toBe(1);
  });

  it("stops at once on 1008, says no more until it knows why, and never reconnects by itself", async () => {
    const { gateway, door, timers, states } = await connected();
    door.answer = refusal(401, "session_ended", "Your session has ended.");
    gateway.cut(1008, "signed out");
    await timers.advance(3_600_000);
    expect(states.slice(2)).toEqual([
      { kind: "asking_why" },
      {
        kind: "signed_out",
        refusal: {
          message: "Signed out.",
          requestId: "r_1",
          contact: "it@example.com",
        },
      },
    ]);
    expect([gateway.links.length, door.asked]).toEqual([1, 1]);
  });

  it("connects again after 1008 when a person asks for it", async () => {
    const { gateway, states, client } = await connected();
    gateway.cut(1008, "policy changed");
    await settled();
    client.connect();
    await gateway.carry();
    expect(states.at(-1)).toEqual({ kind: "connected" });
  });

  it("lets a late answer about an earlier attempt change nothing", async () => {
    const { gateway, door, states, client } = setUp();
    let answerLate = (_response: Response) => {};
    gateway.refuseWith = 1006;
    door.fetch = () =>
      new Promise((resolve) => {
        answerLate = resolve;
      });
    const late = createGatewayClient(
      URL,
      "assistant",
      {
        openSocket: gateway.openSocket,
        fetch: door.fetch,
        after: createManualTimers().after,
        random: () => 0,
        client: { version: "0", platform: "test" },
      },
      { state: (state) => states.push(state), welcomed() {}, event() {}, ended() {} },
    );
    late.connect();
    await gateway.carry();
    gateway.refuseWith = null;
    late.connect();
    await gateway.carry();
    answerLate(refusal(401, "session_ended", "Old news.")());
    await settled();
    expect(states.at(-1)).toEqual({ kind: "connected" });
    client.close();
  });

  it("gives up on a gateway that accepts and then says nothing", async () => {
    const { gateway, timers, states, client } = setUp();
    client.connect();
    await timers.advance(15_000);
    expect(gateway.open()).toBe(0);
    expect(states.at(-1)?.kind).toBe("reconnecting");
  });

  it("keeps a connection that ticks, and finds it dead when two ticks in a row are missing", async () => {
    const { gateway, timers, states, client } = setUp();
    gateway.tickIntervalMs = 30_000;
    client.connect();
    await gateway.carry();
    for (let minute = 0; minute < 10; minute += 1) {
      await timers.advance(60_000);
      gateway.tick();
      await gateway.carry();
    }
    expect([gateway.open(), states.at(-1)]).toEqual([1, { kind: "connected" }]);
    await timers.advance(74_999);
    expect(states.at(-1)).toEqual({ kind: "connected" });
    await timers.advance(1);
    expect([gateway.open(), states.at(-1)?.kind]).toEqual([0, "reconnecting"]);
  });

  it("does not take an unreadable welcome for one", async () => {
    const { gateway, client, states } = setUp();
    const whole = gateway.hello();
    for (const payload of [null, {}, { ...whole, type: "hello" }, { ...whole, policy: {} }]) {
      client.connect();
      const link = gateway.links.at(-1);
      await gateway.carry(1);
      link?.listener.received(JSON.stringify({ type: "res", id: "1", ok: true, payload }));
      await settled();
      expect([link?.open, states.at(-1)?.kind]).toEqual([false, "reconnecting"]);
    }
  });

  it("finds a connection dead when the network comes back and a probe gets no answer", async () => {
    const { gateway, timers, states, client } = await connected();
    client.wake();
    await timers.advance(5_000);
    expect([gateway.open(), states.at(-1)?.kind]).toEqual([0, "reconnecting"]);
  });

  it("keeps a connection that answers the probe", async () => {
    const { gateway, timers, states, client } = await connected();
    client.wake();
    await gateway.carry();
    await timers.advance(60_000);
    expect([gateway.open(), states.at(-1)]).toEqual([1, { kind: "connected" }]);
  });

  it("answers requests in whatever order they come back, and with `lost` when they do not", async () => {
    const { gateway, client } = await connected();
    const answers = Promise.all([client.request("health", {}), client.request("nonsense", {})]);
    await gateway.carry();
    expect(await answers).toEqual([
      { ok: true, value: {} },
      {
        ok: false,
        error: { kind: "refused", error: { code: "UNKNOWN_METHOD", message: "nonsense" } },
      },
    ]);
    const unanswered = client.request("health", {});
    gateway.cut();
    expect(await unanswered).toEqual({ ok: false, error: { kind: "lost" } });
    expect(await client.request("health", {})).toEqual({ ok: false, error: { kind: "lost" } });
  });

  it("sends no request before it is welcomed", async () => {
    const { gateway, client, states } = setUp();
    client.connect();
    expect(await client.request("chat.abort", {})).toEqual({ ok: false, error: { kind: "lost" } });
    await gateway.carry();
    expect([gateway.received.map(({ method }) => method), states.at(-1)?.kind]).toEqual([
      ["connect"],
      "connected",
    ]);
  });

  it.each([
    [1008, "client.id is missing", "client.id is missing"],
    [1002, "protocol mismatch", "This page is older or newer than the gateway. Reload it."],
  ])("says why `connect` was refused with %i, and does not insist", async (code, words, shown) => {
    const { gateway, timers, states, client } = setUp();
    gateway.connectError = { code: "INVALID_REQUEST", message: words };
    gateway.connectErrorCloses = code;
    client.connect();
    await gateway.carry();
    await timers.advance(3_600_000);
    expect(states).toEqual([
      { kind: "connecting" },
      { kind: "refused", refusal: { message: shown, requestId: null, contact: null } },
    ]);
  });

  it("lives through frames that are none", async () => {
    const { gateway, states } = await connected();
    const listener = gateway.links[0]?.listener;
    for (const text of ["", "{", "null", "[]", "7", '"x"', "{}", '{"type":"res"}', '{"type":"event"}'])
      listener?.received(text);
    listener?.received('{"type":"res","id":"1","ok":false}');
    listener?.received('{"type":"res","id":"none","ok":true}');
    await settled();
    expect(states.at(-1)).toEqual({ kind: "connected" });
  });

  it("is silent once closed", async () => {
    const { gateway, timers, states, heard, client } = await connected();
    client.close();
    await timers.advance(3_600_000);
    expect([gateway.open(), gateway.links.length, states.length, heard]).toEqual([0, 1, 2, ["welcomed"]]);
  });
});
