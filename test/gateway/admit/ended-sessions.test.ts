import { describe, expect, test } from "vitest";
import { createEndedSessions } from "../../../gateway/admit/ended-sessions.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const ENDED = { code: "assertion_invalid", fault: "session_ended" };
const FULL = { code: "gateway_full", what: "memory of ended sessions" };
const [A, B, C] = [sessionId("A"), sessionId("B"), sessionId("C")];

describe("ended sessions", () => {
  test("are known for as long as an assertion of the last moment could be taken for fresh", () => {
    const clock = createManualClock(0);
    const ended = createEndedSessions(clock);
    ended.remember([A]);
    expect(ended.whyNot(B)).toBeUndefined();
    // 60 s of life, made 30 s in our future, and 30 s of skew after its end.
    clock.advance(119_999);
    expect(ended.whyNot(A)).toEqual(ENDED);
    clock.advance(1);
    expect(ended.whyNot(A)).toBeUndefined();
  });

  test("are known anew from their last end on", () => {
    const clock = createManualClock(0);
    const ended = createEndedSessions(clock);
    ended.remember([A, B]);
    clock.advance(60_000);
    ended.remember([A]);
    clock.advance(60_000);
    expect([ended.whyNot(A), ended.whyNot(B)]).toEqual([ENDED, undefined]);
    clock.advance(60_000);
    expect(ended.whyNot(A)).toBeUndefined();
  });

  test("that are too many keep everybody out until those that were not remembered have lapsed", () => {
    const clock = createManualClock(0);
    const ended = createEndedSessions(clock, 1);
    ended.remember([A]);
    expect(ended.whyNot(C)).toBeUndefined();
    clock.advance(60_000);
    ended.remember([B]);
    expect([A, B, C].map(ended.whyNot)).toEqual([ENDED, FULL, FULL]);
    clock.advance(60_000);
    expect([A, B, C].map(ended.whyNot)).toEqual([FULL, FULL, FULL]);
    clock.advance(60_000);
    expect([A, B, C].map(ended.whyNot)).toEqual([undefined, undefined, undefined]);
  });
});
