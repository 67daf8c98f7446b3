import { beforeEach, expect, it } from "vitest";
import type { EndFrame } from "../../../proxy/control/end-frame.ts";
import { createUnconfirmedEnds, type UnconfirmedEnds } from "../../../proxy/control/unconfirmed-ends.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const KEEP_MS = 120_000;
let clock: ManualClock;
let ends: UnconfirmedEnds;

beforeEach(() => {
  clock = createManualClock(0);
  ends = createUnconfirmedEnds(clock, KEEP_MS);
});

function end(event: number): EndFrame {
  return { type: "end", event, sids: "all", agent: null, code: 1008, words: "signed out" };
}

it("keeps ends in order until they are confirmed", () => {
  ends.add(end(1));
  ends.add(end(2));
  clock.advance(1_000);
  ends.confirmed(500);
  expect(ends.frames()).toEqual([]);
});

it("keeps what was added at or after the ping that was answered", () => {
  ends.add(end(1));
  clock.advance(1_000);
  ends.add(end(2));
  clock.advance(1_000);
  ends.add(end(3));
  ends.confirmed(1_000);
  expect(ends.frames()).toEqual([end(2), end(3)]);
});

it("is not emptied by being read: the next link may be lost too", () => {
  ends.add(end(1));
  expect(ends.frames()).toEqual([end(1)]);
  expect(ends.frames()).toEqual([end(1)]);
});

it("forgets what is so old that every connection of then has run out", () => {
  ends.add(end(1));
  clock.advance(KEEP_MS - 1);
  expect(ends.frames()).toEqual([end(1)]);
  ends.add(end(2));
  clock.advance(1);
  expect(ends.frames()).toEqual([end(2)]);
});

it("asks everybody to connect again when there are too many to repeat", () => {
  for (let event = 1; event <= 1_000; event += 1) ends.add(end(event));
  expect(ends.frames()).toHaveLength(1_000);
  ends.add(end(1_001));
  ends.add(end(1_002));
  const words = "access has changed, connect again";
  expect(ends.frames()).toEqual([
    { type: "end", event: 1_001, sids: "all", agent: null, code: 1012, words },
    end(1_002),
  ]);
});
