import { beforeEach, describe, expect, test } from "vitest";
import { CONTROL_MAX_FRAME, parseGatewayControlFrame } from "../../../core/control-channel.ts";
import { parseSessionId, type SessionId } from "../../../core/ids.ts";
import { createListings, type Listings } from "../../../gateway/control/listings.ts";
import type { DirectConnection } from "../../../gateway/protocol/live-connections.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const LEASE_MS = 60_000;
let clock: ManualClock;
let sids: readonly SessionId[];
let sent: { listing: number; count: number; last: boolean; at: number }[];
let listed: SessionId[];
let direct: DirectConnection[];
let named: { jtis: string[]; last: boolean }[];

beforeEach(() => {
  clock = createManualClock(0);
  sids = manySids(2);
  sent = [];
  listed = [];
  direct = [];
  named = [];
});

function manySids(count: number): SessionId[] {
  return Array.from({ length: count }, (_, index) => {
    const sid = parseSessionId(`s_${String(index).padStart(22, "0")}`);
    if (sid === undefined) throw new Error("not a session id");
    return sid;
  });
}

function open(): Listings {
  return createListings({
    sids: () => sids,
    direct: () => direct,
    leaseMs: LEASE_MS,
    clock,
    send(frame) {
      // As it goes over the wire: within the contract.
      expect(parseGatewayControlFrame(JSON.stringify(frame))).toEqual({ ok: true, value: frame });
      if (frame.type === "direct") {
        named.push({ jtis: frame.connections.map(({ jti }) => jti), last: frame.last });
        return;
      }
      const { listing, last } = frame;
      sent.push({ listing, count: frame.sids.length, last, at: clock.monotonic() });
      listed.push(...frame.sids);
    },
  });
}

const times = () => sent.map(({ listing, at }) => `${listing} at ${at}`);

describe("listings", () => {
  test("are sent at once and three times in the life of a lease", () => {
    open();
    clock.advance(LEASE_MS);
    expect(sent).toEqual([
      { listing: 1, count: 2, last: true, at: 0 },
      { listing: 2, count: 2, last: true, at: 20_000 },
      { listing: 3, count: 2, last: true, at: 40_000 },
      { listing: 4, count: 2, last: true, at: 60_000 },
    ]);
  });

  test("of nobody say so", () => {
    sids = [];
    open();
    expect(sent).toEqual([{ listing: 1, count: 0, last: true, at: 0 }]);
  });

  test.each([
    [10_000, [10_000]],
    [10_001, [10_000, 1]],
    [25_000, [10_000, 10_000, 5_000]],
  ])("of %i sessions name each once, ten thousand to a frame, and mark the last", (count, counts) => {
    sids = manySids(count);
    open();
    expect(sent).toEqual(
      counts.map((inFrame, index) => ({
        listing: 1,
        count: inFrame,
        last: index === counts.length - 1,
        at: 0,
      })),
    );
    expect(listed).toEqual(sids);
  });

  test("name newcomers within a quarter of a second, all of that time together", () => {
    const listings = open();
    listings.answered(1);
    clock.advance(1_000);
    listings.newcomer();
    clock.advance(100);
    listings.newcomer();
    clock.advance(1_000);
    expect(times()).toEqual(["1 at 0", "2 at 1250"]);
    // The third of a lease counts from there.
    clock.advance(20_000);
    expect(times()).toEqual(["1 at 0", "2 at 1250", "3 at 21250"]);
  });

  test("wait with newcomers until every frame of the one before is answered", () => {
    sids = manySids(10_001);
    const listings = open();
    listings.newcomer();
    listings.answered(1);
    clock.advance(1_000);
    expect(times()).toEqual(["1 at 0", "1 at 0"]);
    listings.answered(1);
    clock.advance(250);
    expect(times()).toEqual(["1 at 0", "1 at 0", "2 at 1250", "2 at 1250"]);
  });

  test("go on at their pace while nobody answers", () => {
    const listings = open();
    listings.newcomer();
    clock.advance(20_000);
    listings.newcomer();
    clock.advance(20_000);
    expect(times()).toEqual(["1 at 0", "2 at 20000", "3 at 40000"]);
  });

  test("confirm from the moment of asking, however late the answer comes", () => {
    const listings = open();
    clock.advance(5_000);
    expect(listings.answered(1)).toBe(60_000);
    clock.advance(15_000);
    expect(listings.answered(2)).toBe(80_000);
    expect(listings.answered(1)).toBe(60_000);
  });

  test("confirm nothing that was not asked, or was asked a lease ago", () => {
    const listings = open();
    expect(listings.answered(2)).toBeUndefined();
    expect(listings.answered(0)).toBeUndefined();
    clock.advance(LEASE_MS);
    expect(listings.answered(1)).toBeUndefined();
  });

  test("stop", () => {
    const listings = open();
    listings.answered(1);
    listings.newcomer();
    listings.stop();
    clock.advance(10 * LEASE_MS);
    expect(times()).toEqual(["1 at 0"]);
  });

  test("name every direct connection with each of them, a hundred to a frame, and mark the last", () => {
    open();
    expect(named).toEqual([{ jtis: [], last: true }]);
    direct = manySids(150).map((sid) => ({ jti: sid.slice(2), sid, agents: [agentId("coder")] }));
    clock.advance(LEASE_MS / 3);
    const jtis = direct.map(({ jti }) => jti);
    expect(named.slice(1)).toEqual([
      { jtis: jtis.slice(0, 100), last: false },
      { jtis: jtis.slice(100), last: true },
    ]);
  });

  test("stay within a frame whatever an assertion can hold", () => {
    // A header of 14 KiB holds less than 11 KiB of claims.
    const agents = Array.from({ length: 164 }, (_, index) => agentId(`${"a".repeat(60)}${index}`));
    const connections = manySids(100).map((sid) => ({ jti: sid.slice(2), sid, agents }));
    const frame = { type: "direct", connections, last: true };
    expect(JSON.stringify(agents).length).toBeGreaterThan(10_500);
    expect(JSON.stringify(frame).length).toBeLessThan(CONTROL_MAX_FRAME);
  });
});
