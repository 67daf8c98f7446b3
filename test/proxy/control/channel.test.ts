import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionId } from "../../../core/ids.ts";
import { StoreUnavailable } from "../../../core/store.ts";
import { ALICE, sessionId } from "../../support/assertion-fixture.ts";
import {
  controlLine,
  FIRST_REDIAL_MS,
  LEASE_MS,
  newGateway,
  placeOf,
  START,
  startDoor,
  type TestDoor,
  tableOf,
} from "./control-fixture.ts";
import type { ScriptedChannel, ScriptedGateway } from "./scripted-gateway.ts";

const PING_EVERY_MS = LEASE_MS / 6;

/** A door with an open channel to `cloud/cloud-1`. */
async function connected(changes: Parameters<typeof startDoor>[1] = {}, hello: Record<string, unknown> = {}) {
  const gateway = await newGateway();
  const door = startDoor([gateway], changes);
  const channel = await gateway.channels.at(0);
  await channel.greet(hello);
  return { gateway, door, channel, describe: () => door.channels.describe()[0] };
}

/** Loses the channel and waits for the next one, past its opening. */
async function reconnected(
  { gateway, door }: { gateway: ScriptedGateway; door: TestDoor },
  lost: ScriptedChannel,
  waitMs = FIRST_REDIAL_MS,
) {
  lost.socket.terminate();
  await door.clock.armed(waitMs);
  door.clock.advance(waitMs);
  const channel = await gateway.channels.at(gateway.channels.items.indexOf(lost) + 1);
  await channel.greet();
  return channel;
}

/** Answers the newest ping. */
async function pong(channel: ScriptedChannel, now: number, at: number) {
  await channel.frame("ping", (ping) => ping.at === at);
  channel.send({ type: "pong", at, now });
  await channel.settled();
}

describe("keys on a control channel", () => {
  it("are sent at once to a gateway that holds an older set", async () => {
    const { channel, describe } = await connected({}, { keySetNumber: 6 });
    expect(await channel.frame("keys")).toEqual({ type: "keys", envelope: "envelope-7" });
    expect(describe()?.keySetNumber).toBe(6);
    channel.send({ type: "keys_accepted", number: 7 });
    await channel.settled();
    expect(describe()?.keySetNumber).toBe(7);
  });

  it("are not sent to a gateway that holds the same set", async () => {
    const { channel } = await connected({}, { keySetNumber: 7 });
    await channel.frame("ping");
    expect(channel.frames.items.map(({ type }) => type)).toEqual(["welcome", "ping"]);
  });

  it("are not sent to a gateway that holds a newer set, and the log says so", async () => {
    const { channel, door } = await connected({}, { keySetNumber: 8 });
    await channel.frame("ping");
    expect(channel.all("keys")).toEqual([]);
    const line = await door.log.first(({ level }) => level === "warn");
    expect([line["msg"], line["number"]]).toEqual([
      "a gateway holds a newer key set than this front door",
      8,
    ]);
  });

  it("are sent when they change, once", async () => {
    const { channel, door } = await connected();
    Object.assign(door.keySet, { number: 8, envelope: "envelope-8" });
    door.channels.keysChanged();
    door.channels.keysChanged();
    expect(await channel.frame("keys")).toEqual({ type: "keys", envelope: "envelope-8" });
    await channel.settled();
    expect(channel.all("keys")).toHaveLength(1);
  });

  it("that changed while the channel was away are sent when it is back", async () => {
    const { gateway, channel, door } = await connected();
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    Object.assign(door.keySet, { number: 8, envelope: "envelope-8" });
    door.channels.keysChanged();
    door.clock.advance(FIRST_REDIAL_MS);
    const back = await gateway.channels.at(1);
    await back.greet();
    expect(await back.frame("keys")).toEqual({ type: "keys", envelope: "envelope-8" });
  });

  it("that a gateway refuses are audited", async () => {
    const { channel, door, describe } = await connected({}, { keySetNumber: 6 });
    await channel.frame("keys");
    channel.send({ type: "keys_refused", fault: "untrusted_key" });
    await channel.settled();
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", "keys_refused: untrusted_key"));
    expect(describe()?.state).toBe("connected");
  });

  it("that were never sent cannot be accepted", async () => {
    const { channel, door, describe } = await connected({}, { keySetNumber: 7 });
    channel.send({ type: "keys_accepted", number: 99 });
    expect(await channel.closed).toBe(1002);
    expect(describe()?.keySetNumber).toBe(7);
    expect(door.audit.items.at(-1)).toEqual(
      controlLine("denied", "frame refused: keys_accepted without keys"),
    );
  });

  it("that were never sent cannot be refused: no gateway fills the audit log", async () => {
    const { channel, door } = await connected({}, { keySetNumber: 6 });
    await channel.frame("keys");
    channel.send({ type: "keys_refused", fault: "older_number" });
    channel.send({ type: "keys_refused", fault: "older_number" });
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items.slice(-2)).toEqual([
      controlLine("denied", "keys_refused: older_number"),
      controlLine("denied", "frame refused: keys_refused without keys"),
    ]);
  });
});

describe("leases", () => {
  const [alice, bob, carol] = [sessionId("A"), sessionId("B"), sessionId("C")];
  const ask = (listing: number, sids: readonly SessionId[], last = true) => ({
    type: "sessions",
    listing,
    sids,
    last,
  });

  it("are answered for those sessions that live, and for no others", async () => {
    const alive = new Set([alice, carol, sessionId("D")]);
    const { channel } = await connected({ aliveOf: async () => alive });
    channel.send(ask(1, [alice, bob, carol]));
    expect(await channel.frame("leases")).toEqual({ type: "leases", listing: 1, sids: [alice, carol] });
  });

  it("are answered frame by frame", async () => {
    const { channel } = await connected();
    channel.send(ask(4, [alice], false));
    channel.send(ask(4, [bob]));
    await channel.frame("leases", ({ sids }) => sids[0] === bob);
    expect(channel.all("leases")).toEqual([
      { type: "leases", listing: 4, sids: [alice] },
      { type: "leases", listing: 4, sids: [bob] },
    ]);
  });

  it("are not answered while the store does not answer, and are again when it does", async () => {
    let failing = true;
    const { channel, door, describe } = await connected({
      aliveOf: async (sids) => {
        if (failing) throw new StoreUnavailable(new Error("away"));
        return new Set(sids);
      },
    });
    channel.send(ask(1, [alice]));
    const line = await door.log.first(({ msg }) => msg === "leases are not renewed");
    expect([line["gateway"], line["endpoint"]]).toEqual(["cloud", "cloud-1"]);
    expect(channel.all("leases")).toEqual([]);
    expect(describe()?.state).toBe("connected");
    failing = false;
    channel.send(ask(2, [alice]));
    expect(await channel.frame("leases")).toEqual({ type: "leases", listing: 2, sids: [alice] });
  });

  it("found out for a link that is gone are not sent on the next one", async () => {
    let answer = (_: ReadonlySet<SessionId>) => {};
    let ask1 = () => {};
    const asked = new Promise<void>((resolve) => {
      ask1 = resolve;
    });
    const made = await connected({
      aliveOf: () => {
        ask1();
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    made.channel.send(ask(1, [alice]));
    await asked;
    const next = await reconnected(made, made.channel);
    answer(new Set([alice]));
    await next.settled();
    expect(next.all("leases")).toEqual([]);
  });
});

describe("ends of access", () => {
  const end = { event: 41, sids: [sessionId("A")], agent: null, code: 1008, words: "signed out" } as const;
  const sent = { ...end, sids: [...end.sids] };

  it("are sent at once", async () => {
    const { channel, door } = await connected();
    door.channels.end(sent);
    expect(await channel.frame("end")).toEqual({ type: "end", ...end });
  });

  it("that happened while the channel was away are sent when it is back", async () => {
    const made = await connected();
    made.channel.socket.terminate();
    await made.door.clock.armed(FIRST_REDIAL_MS);
    made.door.channels.end(sent);
    made.door.clock.advance(FIRST_REDIAL_MS);
    const back = await made.gateway.channels.at(1);
    await back.greet();
    expect(await back.frame("end")).toEqual({ type: "end", ...end });
  });

  it("sent into a link that never answered again are repeated on the next one", async () => {
    const made = await connected();
    await pong(made.channel, START, START);
    made.door.channels.end(sent);
    await made.channel.frame("end");
    const back = await reconnected(made, made.channel);
    expect(await back.frame("end")).toEqual({ type: "end", ...end });
  });

  it("that a later pong confirmed are not repeated", async () => {
    const made = await connected();
    await pong(made.channel, START, START);
    made.door.channels.end(sent);
    await made.channel.frame("end");
    made.door.clock.advance(PING_EVERY_MS);
    await pong(made.channel, START + PING_EVERY_MS, START + PING_EVERY_MS);
    const back = await reconnected(made, made.channel);
    await back.frame("ping");
    expect(back.all("end")).toEqual([]);
  });
});

describe("direct connections", () => {
  const WHY = { event: 9, code: 1012, words: "your agent has moved" } as const;
  const named = (count: number) => ({
    jti: `jti-${String(count).padStart(16, "0")}`,
    sid: sessionId("A"),
    agents: ["coder"],
  });
  const direct = (connections: unknown[], last = true) => ({ type: "direct", connections, last });

  it("are told of when the last frame of a listing is there, and when one is over", async () => {
    const { channel, door, gateway } = await connected();
    channel.send(direct([named(1)], false));
    channel.send(direct([named(2)]));
    channel.send(direct([]));
    channel.send({ type: "direct_ended", jti: named(1).jti });
    await channel.settled();
    const place = placeOf(gateway.url);
    expect(door.direct.items).toEqual([
      { place, connections: [named(1), named(2)] },
      { place, connections: [] },
      { place, connections: named(1).jti },
    ]);
  });

  it("of a listing that broke off are not told of with those of the next link", async () => {
    const made = await connected();
    made.channel.send(direct([named(1)], false));
    await made.channel.settled();
    const back = await reconnected(made, made.channel);
    back.send(direct([named(2)]));
    await back.settled();
    expect(made.door.direct.items).toEqual([{ place: placeOf(made.gateway.url), connections: [named(2)] }]);
  });

  it("beyond any measure are a breach", async () => {
    const { channel, door } = await connected();
    for (let frame = 0; frame <= 1_000; frame += 1)
      channel.send(
        direct(
          Array.from({ length: 100 }, (_, count) => named(frame * 100 + count)),
          false,
        ),
      );
    expect(await channel.closed).toBe(1002);
    const reason = "frame refused: more direct connections than can be kept";
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", reason));
  });

  it("are ended at their own gateway, at once; in its absence, when it is back", async () => {
    const made = await connected();
    const { channel, door, gateway } = made;
    door.channels.endDirect(placeOf(gateway.url), named(1).jti, WHY);
    door.channels.endDirect(placeOf("http://127.0.0.1:9"), named(2).jti, WHY);
    const told = { type: "end_direct", ...WHY, jtis: [named(1).jti] };
    expect(await channel.frame("end_direct")).toEqual(told);
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    door.channels.endDirect(placeOf(gateway.url), named(3).jti, WHY);
    door.clock.advance(FIRST_REDIAL_MS);
    const back = await gateway.channels.at(1);
    await back.greet();
    await back.frame("end_direct", ({ jtis }) => jtis[0] === named(3).jti);
    // The first one was never confirmed.
    expect(back.all("end_direct")).toEqual([told, { ...told, jtis: [named(3).jti] }]);
  });

  it("that end because their endpoint leaves the table are told of before its channel closes", async () => {
    const { channel, door, gateway } = await connected();
    door.channels.endDirect(placeOf(gateway.url), named(1).jti, WHY);
    door.routing.table = tableOf([]);
    door.channels.sync();
    expect(await channel.closed).toBe(1001);
    expect(channel.all("end_direct")).toEqual([{ type: "end_direct", ...WHY, jtis: [named(1).jti] }]);
  });
});

describe("turns", () => {
  const started = (runId: string) => ({ type: "turn_started", runId, user: ALICE, agent: "coder" });

  it("are followed from start to end, and forgotten with the link", async () => {
    const made = await connected();
    const { channel, describe } = made;
    channel.send(started("run-1"));
    channel.send(started("run-2"));
    channel.send({ type: "turn_ended", runId: "run-1" });
    channel.send({ type: "turn_ended", runId: "never-started" });
    await channel.settled();
    expect(describe()?.turns).toEqual(["run-2"]);
    await reconnected(made, channel);
    expect(describe()?.turns).toEqual([]);
  });

  it("beyond any measure are a breach", async () => {
    const { channel, door } = await connected();
    for (let run = 0; run <= 10_000; run += 1) channel.send(started(`run-${run}`));
    expect(await channel.closed).toBe(1002);
    const reason = "frame refused: more turns under way than can be kept";
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", reason));
  });
});

describe("a channel's life", () => {
  it("is shown by pings, at once and then every sixth of a lease", async () => {
    const { channel, door } = await connected();
    await pong(channel, START, START);
    door.clock.advance(PING_EVERY_MS - 1);
    await channel.settled();
    expect(channel.all("ping")).toEqual([{ type: "ping", at: START }]);
    door.clock.advance(1);
    await pong(channel, START + PING_EVERY_MS, START + PING_EVERY_MS);
    expect(channel.all("ping")).toHaveLength(2);
  });

  it("is over when two pings are not answered: the link is cut and dialled again", async () => {
    const { gateway, channel, door, describe } = await connected();
    await channel.frame("ping");
    door.clock.advance(PING_EVERY_MS);
    await channel.frame("ping", ({ at }) => at === START + PING_EVERY_MS);
    expect(describe()?.state).toBe("connected");
    door.clock.advance(PING_EVERY_MS);
    expect(await channel.closed).toBe(1006);
    expect(describe()?.state).toBe("away");
    expect(describe()?.since).toBe(START + 2 * PING_EVERY_MS);
    const line = await door.log.first(({ level }) => level === "warn");
    expect(line["fault"]).toBe("silent: two pings without an answer");
    door.clock.advance(FIRST_REDIAL_MS);
    await (await gateway.channels.at(1)).greet();
    expect(describe()?.state).toBe("connected");
  });

  it("goes on when only one of two pings is answered", async () => {
    const { channel, door, describe } = await connected();
    for (let beat = 1; beat <= 6; beat += 1) {
      door.clock.advance(PING_EVERY_MS);
      const at = START + beat * PING_EVERY_MS;
      if (beat % 2 === 1) await pong(channel, at, at);
    }
    expect(describe()?.state).toBe("connected");
  });

  it("is not shown by a pong that nobody asked for", async () => {
    const { channel, door } = await connected();
    channel.send({ type: "pong", at: START - 1, now: START });
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items.at(-1)).toEqual(
      controlLine("denied", "frame refused: a pong that nobody asked for"),
    );
  });

  it("is not shown by the same pong twice", async () => {
    const { channel } = await connected();
    await pong(channel, START, START);
    channel.send({ type: "pong", at: START, now: START });
    expect(await channel.closed).toBe(1002);
  });

  it("measures the gateway's clock from the middle of the round trip", async () => {
    const { channel, door, describe } = await connected();
    await channel.frame("ping");
    door.clock.advance(400);
    await pong(channel, START + 1_200, START);
    expect(describe()?.clockOffsetMs).toBe(1_000);
  });

  it("says once, in log and audit, that the clocks are too far apart, across links", async () => {
    const made = await connected();
    await pong(made.channel, START + 45_000, START);
    const reason = "clock_skew: door 2026-11-02T09:00:00.000Z, gateway 2026-11-02T09:00:45.000Z";
    expect(made.door.audit.items.at(-1)).toEqual(controlLine("allowed", reason));
    const next = await reconnected(made, made.channel);
    const at = START + FIRST_REDIAL_MS;
    await pong(next, at + 45_000, at);
    const skews = made.door.audit.items.filter((line) => line.reason.startsWith("clock_skew"));
    expect(skews).toHaveLength(1);
  });
});

describe("after a loss", () => {
  it("the channel is dialled after ever longer waits, at most ten seconds, scaled by chance", async () => {
    const gateway = await newGateway();
    gateway.refuseWith("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    const chances = [0, 0.5, 0.25, 0.75, 0.5, 0.5, 0.25, 0.75];
    const door = startDoor([gateway], { random: () => chances.shift() ?? 0.999 });
    const waits = [0, 250, 250, 1_500, 2_000, 4_000, 2_500, 7_500, 9_990];
    for (const [index, wait] of waits.entries()) {
      await gateway.requests.at(index);
      await door.clock.armed(wait);
      door.clock.advance(wait);
    }
    await gateway.requests.at(waits.length);
  });

  it("the waits start small again when the channel had lasted ten seconds, and not before", async () => {
    const made = await connected();
    const second = await reconnected(made, made.channel, FIRST_REDIAL_MS);
    made.door.clock.advance(9_999);
    const third = await reconnected(made, second, 2 * FIRST_REDIAL_MS);
    made.door.clock.advance(9_999);
    made.door.clock.advance(1);
    await reconnected(made, third, FIRST_REDIAL_MS);
  });

  it("a fault is said once until it changes", async () => {
    const gateway = await newGateway();
    gateway.refuseWith("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    const door = startDoor([gateway]);
    for (const wait of [125, 250, 500]) {
      await door.clock.armed(wait);
      door.clock.advance(wait);
    }
    await door.clock.armed(1_000);
    gateway.refuseWith("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    door.clock.advance(1_000);
    await door.clock.armed(2_000);
    expect(door.log.items.map(({ fault }) => fault)).toEqual([
      "status 503 to the upgrade",
      "status 401 to the upgrade",
    ]);
  });
});

describe("whatever a proved gateway sends", () => {
  it("that is no frame of this place closes with 1002 and is audited", async () => {
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(
        '{"type":"hello"}',
        '{"type":"sessions","listing":-1,"sids":[],"last":true}',
        '{"type":"sessions","listing":1,"sids":["nobody"],"last":true}',
        '{"type":"pong","at":1,"now":1,"__proto__":{}}',
        '{"type":"keys_accepted","number":0}',
        `{"type":"turn_started","runId":"r","user":"u_x","agent":"coder"}`,
        `${"[".repeat(50_000)}`,
      ),
    );
    const gateway = await newGateway();
    await fc.assert(
      fc.asyncProperty(frame, async (text) => {
        const door = startDoor([gateway]);
        const channel = await gateway.channels.at(gateway.channels.items.length);
        await channel.greet();
        channel.send(text);
        expect(await channel.closed).toBe(1002);
        expect(door.audit.items.at(-1)?.outcome).toBe("denied");
        expect(door.channels.describe()[0]?.state).toBe("away");
        await door.channels.close();
      }),
      { numRuns: 60 },
    );
  });

  it("as a second hello closes with 1002", async () => {
    const { channel, door } = await connected();
    channel.send(channel.hello());
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", "frame refused: hello while open"));
  });

  it("behind a breach is not read", async () => {
    const { channel, describe } = await connected();
    channel.send("garbage");
    channel.send({ type: "turn_started", runId: "run-1", user: ALICE, agent: "coder" });
    await channel.closed;
    expect(describe()?.turns).toEqual([]);
  });

  it("when it reads nothing, it is cut before what waits for it fills the memory", async () => {
    const { channel, door, describe } = await connected();
    channel.socket.pause();
    const sids = Array.from({ length: 10_000 }, () => sessionId("A"));
    const end = { event: 1, sids, agent: null, code: 1008, words: "signed out" } as const;
    let frames = 0;
    while (describe()?.state === "connected" && frames < 1_000) {
      door.channels.end({ ...end, sids });
      frames += 1;
    }
    expect(frames).toBeLessThan(100);
    const line = await door.log.first(({ level }) => level === "warn");
    expect(line["fault"]).toBe("too much left unread");
  });
});
