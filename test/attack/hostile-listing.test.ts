// Attacks by a gateway on the control channel: it says more than can be read, names connections that it does not have,
// and goes on naming those that are over.
import { describe, expect, it } from "vitest";
import { limitsSchema } from "../../config/limits.ts";
import { type SessionId, userIdOf } from "../../core/ids.ts";
import { createLog } from "../../core/log.ts";
import { createDirectConnections } from "../../proxy/control/direct-connections.ts";
import type { Place } from "../../proxy/control/place.ts";
import { createBeginEntry } from "../../proxy/live/begin-entry.ts";
import { createLiveConnections } from "../../proxy/live/live-connections.ts";
import { createPlaces } from "../../proxy/live/places.ts";
import { newGateway, placeOf, startDoor } from "../proxy/control/control-fixture.ts";
import { recordedAudit } from "../proxy/recorded-audit.ts";
import { agentId, sessionId } from "../support/assertion-fixture.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { NOW } from "../support/provider-fixture.ts";

const MEBIBYTE = 1024 * 1024;
const CODER = agentId("coder");
const BOB = userIdOf("https://idp.example.com", "bob-1");
const ALICE = verifiedAlice({ sid: sessionId("A") });
const HOSTILE = placeOf("http://127.0.0.1:1", "cloud", "cloud-1");
const OTHER = placeOf("http://127.0.0.1:2", "berlin", "berlin-1");

const jti = (count: number) => `jti-${String(count).padStart(16, "0")}`;

function start(limits: Parameters<typeof limitsSchema.parse>[0] = {}) {
  const clock = createManualClock(NOW);
  const live = createLiveConnections({ clock, judge: () => undefined, snapshot: () => 1 });
  const places = limitsSchema.parse(limits);
  const told: string[] = [];
  let sessionsRead = 0;
  const direct = createDirectConnections({
    live,
    begin: createBeginEntry(live, createPlaces(places)),
    endDirect: (_place, name, { code, words }) => void told.push(`${name} ${code} ${words}`),
    async identityOf() {
      sessionsRead += 1;
      return ALICE;
    },
    judge: () => undefined,
    snapshot: () => 1,
    limits: places,
    leaseMs: 60_000,
    clock,
    audit: recordedAudit(),
    log: createLog("front-door", "silent"),
  });

  /** As `/auth/verify` does it. */
  function handOver(place: Place, name: string, identity = ALICE) {
    const { connection, end, complete } = direct.begin("198.51.100.7");
    const full = connection.take(identity.userId);
    if (full !== undefined) return full;
    connection.bind(identity, end);
    const denial = complete(place, name, identity, CODER);
    if (denial !== undefined) connection.remove();
    return denial;
  }

  function list(names: readonly string[], sid: SessionId = ALICE.sid) {
    direct.listed(
      HOSTILE,
      names.map((name) => ({ jti: name, sid, agents: [CODER] })),
    );
    // Until the store has answered for all of them.
    return new Promise((resolve) => setImmediate(resolve));
  }

  return { clock, live, direct, told, handOver, list, sessionsRead: () => sessionsRead };
}

describe("a gateway that says more than can be read", () => {
  it.each([
    ["long frames", 100, 3_000],
    ["short frames", 0, 120_000],
  ])("is read no further than its allowance, and goes on with time: %s", async (_what, named, frames) => {
    const gateway = await newGateway();
    const door = startDoor([gateway]);
    const channel = await gateway.channels.at(0);
    await channel.greet();
    const text = JSON.stringify({
      type: "direct",
      connections: Array.from({ length: named }, (_, count) => ({
        jti: jti(count),
        sid: ALICE.sid,
        agents: ["coder"],
      })),
      last: true,
    });
    const cost = text.length + 256;
    // What is received together with the frame that is too much is handed over too.
    const slack = Math.ceil(MEBIBYTE / text.length);
    for (let frame = 0; frame < frames; frame += 1) channel.send(text);
    const atOnce = Math.floor((16 * MEBIBYTE) / cost);
    await expect.poll(() => door.direct.items.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(atOnce);
    // The kernel has more, and nobody reads it.
    for (let round = 0; round < 200; round += 1) await new Promise((resolve) => setImmediate(resolve));
    const first = door.direct.items.length;
    expect(first).toBeLessThan(atOnce + slack);
    expect(first).toBeLessThan(frames);
    door.clock.advance(5_000);
    await expect
      .poll(() => door.direct.items.length, { timeout: 20_000 })
      .toBeGreaterThan(first + (4 * MEBIBYTE) / cost);
  });
});

describe("a gateway that names connections that it does not have", () => {
  it("has so many sessions read at once, and so many in a second", async () => {
    const { clock, list, sessionsRead } = start();
    for (let listing = 0; listing < 20; listing += 1)
      await list(Array.from({ length: 5_000 }, (_, count) => jti(listing * 5_000 + count)));
    expect(sessionsRead()).toBeLessThanOrEqual(10_001);
    clock.advance(1_000);
    await list(Array.from({ length: 5_000 }, (_, count) => jti(1_000_000 + count)));
    expect(sessionsRead()).toBeLessThanOrEqual(11_002);
  });

  it("gets no more of a person's connections into the live index than three quarters of what a person may have", async () => {
    const { live, told, list } = start({ socketsPerUser: 8 });
    await list(Array.from({ length: 20 }, (_, count) => jti(count)));
    expect(live.ofUser(ALICE.userId).length).toBe(6);
    expect(told).toEqual(
      Array.from(
        { length: 14 },
        (_, count) => `${jti(6 + count)} 1013 too many connections to this gateway, try again later`,
      ),
    );
  });
});

describe("a gateway that goes on naming what is over", () => {
  it("shuts a person out of itself, and of no other gateway", async () => {
    const { handOver, list } = start({ socketsPerUser: 8 });
    const names = Array.from({ length: 6 }, (_, count) => jti(count));
    for (const name of names) expect(handOver(HOSTILE, name)).toBeUndefined();
    await list(names);
    expect(handOver(HOSTILE, jti(6))).toEqual({
      code: "overloaded",
      what: "limits.socketsPerUser at one endpoint",
    });
    expect(handOver(OTHER, jti(7))).toBeUndefined();
    expect(handOver(OTHER, jti(8))).toBeUndefined();
  });

  it("shuts everybody out of itself, and of no other gateway", async () => {
    const { handOver, list } = start({ sockets: 8 });
    const names = Array.from({ length: 6 }, (_, count) => jti(count));
    for (const name of names) expect(handOver(HOSTILE, name)).toBeUndefined();
    await list(names);
    const bob = verifiedAlice({ sid: sessionId("B"), userId: BOB });
    expect(handOver(HOSTILE, jti(6), bob)).toEqual({
      code: "overloaded",
      what: "limits.sockets at one endpoint",
    });
    expect(handOver(OTHER, jti(7), bob)).toBeUndefined();
  });

  it("shuts an address out of itself, and of no other gateway", async () => {
    const { handOver, list } = start({ socketsPerAddress: 8 });
    const names = Array.from({ length: 6 }, (_, count) => jti(count));
    for (const name of names) handOver(HOSTILE, name);
    await list(names);
    const bob = verifiedAlice({ sid: sessionId("B"), userId: BOB });
    expect(handOver(HOSTILE, jti(6), bob)).toEqual({
      code: "overloaded",
      what: "limits.socketsPerAddress at one endpoint",
    });
    expect(handOver(OTHER, jti(7), bob)).toBeUndefined();
  });

  it("gives its share back with what it no longer names", async () => {
    const { direct, handOver, list } = start({ socketsPerUser: 8 });
    const names = Array.from({ length: 6 }, (_, count) => jti(count));
    for (const name of names) handOver(HOSTILE, name);
    await list(names);
    direct.over(HOSTILE, jti(0));
    expect(handOver(HOSTILE, jti(6))).toBeUndefined();
    await list([]);
    for (let count = 10; count < 15; count += 1) expect(handOver(HOSTILE, jti(count))).toBeUndefined();
  });
});
