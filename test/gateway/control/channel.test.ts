// What an open control channel carries, beside leases and ends of access: keys, turns, the time; and how it ends.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { parseDoorControlFrame } from "../../../core/control-channel.ts";
import { ALICE, BOB, createTestDoor, createTestKey, sessionId } from "../../support/assertion-fixture.ts";
import { connectDoor, type DoorChannel, openDoorChannel } from "../../support/door-channel.ts";
import {
  ask,
  HANDSHAKE,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from "../../support/gateway-fixture.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.dispose();
});

async function start(options?: TestGatewayOptions): Promise<TestGateway> {
  return keep(await startTestGateway(options));
}

function keep(gateway: TestGateway): TestGateway {
  started.push(gateway);
  return gateway;
}

async function reasons(gateway: TestGateway, kind: "control_channel" | "key_set") {
  return (await gateway.auditLines(kind)).map(({ outcome, reason }) => `${outcome}: ${reason}`);
}

const upgradeStatus = async (gateway: TestGateway, assertion = gateway.door.assertion()) => {
  const headers = { ...HANDSHAKE, "x-gateway-assertion": assertion };
  return (await ask(`${gateway.running.url}/ws`, { headers })).status;
};

describe("a gateway that is being stopped", () => {
  test("says so at once, also to a front door that is just opening a channel", async () => {
    const gateway = await start({ drain: "20s" });
    // With somebody there, the stop takes its time.
    await gateway.connect();
    const [open, opening] = [await connectDoor(gateway), await openDoorChannel(gateway)];
    await opening.hello();
    const stopped = gateway.running.close();
    expect(await open.frame("draining")).toEqual({ type: "draining" });
    await opening.welcome();
    expect(await opening.frame("draining")).toEqual({ type: "draining" });
    await expect(openDoorChannel(gateway)).rejects.toThrow("503");
    gateway.clock.advance(20_000);
    await stopped;
    expect((await open.closed).code).toBe(1001);
    expect(open.frames.filter(({ type }) => type === "draining")).toHaveLength(1);
  });
});

describe("keys over the control channel", () => {
  test("let a gateway begin with nothing but the pin", async () => {
    const gateway = await start({ withoutKeySet: "ever" });
    expect(gateway.running.ready()).toBe(false);
    expect(await upgradeStatus(gateway)).toBe(503);
    const door = await connectDoor(gateway);
    expect((await door.hello()).keySetNumber).toBe(0);
    door.send({ type: "keys", envelope: gateway.door.keySet() });
    expect(await door.frame("keys_accepted")).toEqual({ type: "keys_accepted", number: 1 });
    expect(gateway.running.ready()).toBe(true);
    expect(await upgradeStatus(gateway)).toBe(101);
    expect(await reasons(gateway, "key_set")).toEqual([
      "allowed: key set 1 accepted from the control channel",
    ]);
  });

  test("replace those of a file, and withdraw a key at once", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const next = createTestKey();
    door.send({ type: "keys", envelope: gateway.door.keySet({ number: 2, keys: [next.jwk as never] }) });
    await door.frame("keys_accepted", ({ number }) => number === 2);
    expect(await upgradeStatus(gateway)).toBe(401);
  });

  test.each([
    ["older", (gateway: TestGateway) => gateway.door.keySet({ number: 1 }), "older_number"],
    [
      "forged",
      (gateway: TestGateway) => createTestDoor(gateway.clock.now).keySet({ number: 9 }),
      "untrusted_key",
    ],
    [
      "of another issuer",
      (gateway: TestGateway) => gateway.door.keySet({ number: 9, issuer: "elsewhere" }),
      "wrong_issuer",
    ],
    [
      "changed on the way",
      (gateway: TestGateway) => gateway.door.keySet({ number: 9 }).replace(/.{4}$/, "AAAA"),
      "bad_signature",
    ],
    ["none at all", () => "keys", "malformed"],
  ])(
    "are refused when they are %s; those before stay, and so does the channel",
    async (_, envelope, fault) => {
      const gateway = await start();
      const door = await connectDoor(gateway);
      door.send({ type: "keys", envelope: gateway.door.keySet({ number: 2 }) });
      await door.frame("keys_accepted");
      door.send({ type: "keys", envelope: envelope(gateway) });
      expect(await door.frame("keys_refused")).toEqual({ type: "keys_refused", fault });
      expect(await upgradeStatus(gateway)).toBe(101);
      await door.settled();
      expect((await reasons(gateway, "key_set")).at(-1)).toBe(`denied: ${fault}, from the control channel`);
    },
  );

  test("survive a restart, and say where the front door must go on", async () => {
    const gateway = await start({ withoutKeySet: "ever" });
    const door = await connectDoor(gateway);
    door.send({ type: "keys", envelope: gateway.door.keySet({ number: 41 }) });
    await door.frame("keys_accepted");
    await gateway.running.close();
    const next = keep(await gateway.restart());
    expect(next.running.ready()).toBe(true);
    expect(await upgradeStatus(next)).toBe(101);
    const back = await openDoorChannel(next);
    expect((await back.hello()).keySetNumber).toBe(41);
    // It was away while the keys were rotated twice.
    await back.welcome();
    back.send({ type: "keys", envelope: next.door.keySet({ number: 43 }) });
    expect(await back.frame("keys_accepted")).toEqual({ type: "keys_accepted", number: 43 });
  });

  test("that came once are not undone by the older file they began with", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    door.send({
      type: "keys",
      envelope: gateway.door.keySet({ number: 2, keys: [createTestKey().jwk as never] }),
    });
    await door.frame("keys_accepted");
    await gateway.running.close();
    const next = keep(await gateway.restart());
    expect(await upgradeStatus(next)).toBe(401);
    expect((await openDoorChannel(next).then((channel) => channel.hello())).keySetNumber).toBe(2);
  });

  test("that cannot be kept on disk are not believed", async () => {
    const gateway = await start({ withoutKeySet: "ever" });
    const blocked = join(gateway.folder, "data", "key-set.jwt.new");
    await mkdir(blocked);
    const door = await connectDoor(gateway);
    door.send({ type: "keys", envelope: gateway.door.keySet() });
    expect(await door.frame("keys_refused")).toEqual({ type: "keys_refused", fault: "not_kept" });
    expect(gateway.running.ready()).toBe(false);
    await rm(blocked, { recursive: true });
    door.send({ type: "keys", envelope: gateway.door.keySet() });
    await door.frame("keys_accepted");
  });
});

describe("turns over the control channel", () => {
  test("are told as they start and end, each by a name of its own", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    const [alice, bob] = [await gateway.connect(), await gateway.connect({ sub: BOB, sid: sessionId("B") })];
    // The same run id, as two people may choose it.
    const send = { sessionKey: "main", message: "slow", idempotencyKey: "r1" };
    await alice.request("chat.send", send);
    await bob.request("chat.send", { ...send, sessionKey: "agent:coder:main" });
    const first = await door.frame("turn_started", ({ user }) => user === ALICE);
    const second = await door.frame("turn_started", ({ user }) => user === BOB);
    expect([first.agent, second.agent]).toEqual(["assistant", "coder"]);
    expect(first.runId).not.toBe(second.runId);
    await alice.request("chat.abort", { sessionKey: "main" });
    expect(await door.frame("turn_ended")).toEqual({ type: "turn_ended", runId: first.runId });
    await door.settled();
    expect(door.frames.filter(({ type }) => type.startsWith("turn_")).length).toBe(3);
  });

  test("that run already are told to a front door that comes, or comes back", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const send = (key: string) => ({ sessionKey: key, message: "slow", idempotencyKey: `run-${key}` });
    await client.request("chat.send", send("a"));
    await client.request("chat.send", send("b"));
    const door = await connectDoor(gateway);
    const told = door.frames.filter(({ type }) => type === "turn_started");
    expect(told.length).toBe(2);
    await client.request("chat.abort", { sessionKey: "a" });
    await door.frame("turn_ended");
    door.socket.terminate();
    await door.closed;
    const back = await connectDoor(gateway);
    expect(back.frames.filter(({ type }) => type === "turn_started")).toEqual([told[1]]);
  });
});

describe("an open control channel", () => {
  test("answers a ping with its own time", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    gateway.clock.advance(1_234);
    door.send({ type: "ping", at: 42 });
    expect(await door.frame("pong", ({ at }) => at === 42)).toEqual({
      type: "pong",
      at: 42,
      now: gateway.clock.now(),
    });
  });

  test("is cut after half a lease without a ping, whatever else is said", async () => {
    const gateway = await start();
    const door = await connectDoor(gateway);
    gateway.clock.advance(29_000);
    await door.settled();
    gateway.clock.advance(29_999);
    door.send({ type: "leases", listing: 1, sids: [] });
    await expect
      .poll(async () => (await ask(`${gateway.running.url}/health`)).body)
      .toMatchObject({
        control: "connected",
      });
    gateway.clock.advance(1);
    expect((await door.closed).code).toBe(1006);
    expect((await ask(`${gateway.running.url}/health`)).body).toMatchObject({ control: "away" });
    // Nobody broke the contract: a matter for the log.
    expect(await reasons(gateway, "control_channel")).toEqual(["allowed: opened"]);
    expect(gateway.logged()).toContainEqual(
      expect.objectContaining({
        level: "warn",
        fault: "silent: no ping for 30000 ms",
        msg: "a control channel is gone",
      }),
    );
  });

  test("leaves no timer behind, nor does a connection", async () => {
    const gateway = await start();
    const before = gateway.clock.pending();
    const [door, client] = [await connectDoor(gateway), await gateway.connect()];
    for (const socket of [door.socket, client.socket]) socket.terminate();
    await expect
      .poll(async () => (await ask(`${gateway.running.url}/health`)).body)
      .toMatchObject({ control: "away" });
    await expect.poll(async () => (await gateway.auditLines("connection_closed")).length).toBe(1);
    // Whatever lease there was is over.
    gateway.clock.advance(60_000);
    expect(gateway.clock.pending()).toBe(before);
  });

  test("is cut when the front door leaves too much unread", async () => {
    const gateway = await start();
    const [door, other] = [await connectDoor(gateway), await connectDoor(gateway)];
    door.socket.pause();
    const isAway = () => gateway.logged().some(({ fault }) => fault === "too much left unread");
    // Each ping is answered, and nobody reads the answers.
    const pings = Array.from({ length: 20_000 }, () => JSON.stringify({ type: "ping", at: 1 }));
    for (let round = 0; round < 60 && !isAway(); round += 1) {
      for (const ping of pings) door.socket.send(ping);
      await other.settled();
    }
    await expect.poll(isAway, { timeout: 15_000 }).toBe(true);
    await other.settled();
  });

  test.each<[string, (door: DoorChannel) => void, number, string]>([
    ["nonsense", (door) => door.send("nonsense"), 1002, "frame refused: not JSON"],
    ["bytes", (door) => door.send(Buffer.from("{}")), 1002, "frame refused: binary"],
    [
      "an unknown frame",
      (door) => door.send({ type: "open" }),
      1002,
      "frame refused: type: Invalid discriminator value. Expected 'welcome' | 'keys' | 'leases' | 'end' | 'end_direct' | 'ping'",
    ],
    [
      "a frame of the gateway's side",
      (door) => door.send({ type: "keys_accepted", number: 1 }),
      1002,
      "frame refused: type: Invalid discriminator value. Expected 'welcome' | 'keys' | 'leases' | 'end' | 'end_direct' | 'ping'",
    ],
    [
      "a member too many",
      (door) => door.send({ type: "ping", at: 1, admin: true }),
      1002,
      'frame refused: : Unrecognized key: "admin"',
    ],
    [
      "a member whose name is a book",
      (door) => door.send({ type: "ping", at: 1, ["x".repeat(100_000)]: true }),
      1002,
      `frame refused: : Unrecognized key: "${"x".repeat(179)}`,
    ],
    [
      "a session id that is none",
      (door) => door.send({ type: "leases", listing: 1, sids: ["A"] }),
      1002,
      "frame refused: sids.0: not a session id",
    ],
    [
      "a close code of its own",
      (door) => door.send({ type: "end", event: 1, sids: "all", agent: null, code: 1000, words: "bye" }),
      1002,
      "frame refused: code: Invalid input",
    ],
    [
      "more than two megabytes",
      (door) => door.send(" ".repeat(2 * 1024 * 1024 + 1)),
      1009,
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    ],
  ])("is closed and audited at %s; users and other front doors go on", async (_, act, code, fault) => {
    const gateway = await start();
    const [door, other, client] = [
      await connectDoor(gateway),
      await connectDoor(gateway),
      await gateway.connect(),
    ];
    act(door);
    // Behind it, in the same breath: nobody listens any more.
    door.send({ type: "end", event: 1, sids: "all", agent: null, code: 1008, words: "gone" });
    expect((await door.closed).code).toBe(code);
    await expect
      .poll(() => reasons(gateway, "control_channel"))
      .toEqual(["allowed: opened", "allowed: opened", `denied: ${fault}`]);
    await other.settled();
    await client.request("health");
  });

  test("takes any frame for what the contract says or closes, and the gateway lives", async () => {
    const gateway = await start();
    const client = await gateway.connect({ sid: sessionId("Z") });
    let door = await connectDoor(gateway);
    const sids = fc.array(fc.constantFrom(sessionId("A"), sessionId("B"), "s_short", 7), { maxLength: 3 });
    const frame = fc.oneof(
      fc.record({ type: fc.constant("leases"), listing: fc.oneof(fc.integer(), fc.double()), sids }),
      fc.record({
        type: fc.constant("end"),
        event: fc.integer(),
        sids: fc.oneof(sids, fc.constantFrom("none", null)),
        agent: fc.constantFrom(null, "coder", "../x"),
        code: fc.constantFrom(1008, 1012, 1011),
        words: fc.string({ maxLength: 130 }),
      }),
      fc.record({ type: fc.constant("keys"), envelope: fc.oneof(fc.string(), fc.constant("a.b.c")) }),
      fc.record({ type: fc.constant("ping"), at: fc.oneof(fc.integer(), fc.string()) }),
      fc.record({ type: fc.string(), v: fc.integer() }),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          frame.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        async (text) => {
          door.send(text);
          if (parseDoorControlFrame(text).ok) await door.settled();
          else {
            expect((await door.closed).code).toBe(1002);
            door = await connectDoor(gateway);
          }
        },
      ),
      { numRuns: 200 },
    );
    await client.request("health");
  });
});
