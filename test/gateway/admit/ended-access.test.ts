import { describe, expect, test } from "vitest";
import type { SessionId } from "../../../core/ids.ts";
import { createEndedAccess } from "../../../gateway/admit/ended-access.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const ENDED = { code: "assertion_invalid", fault: "session_ended" };
const FULL = { code: "gateway_full", what: "memory of ended access" };
const [A, B, C] = [sessionId("A"), sessionId("B"), sessionId("C")];
const JTI = "jti-0000000000000001";

function endedAccess(clock: ManualClock, capacity?: number) {
  const { remember, whyNot } = createEndedAccess(clock, capacity);
  return { remember, whyNot: (sid: SessionId, jti = JTI) => whyNot({ sid, jti }) };
}

describe("ended access", () => {
  test("are known for as long as an assertion of the last moment could be taken for fresh", () => {
    const clock = createManualClock(0);
    const ended = endedAccess(clock);
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
    const ended = endedAccess(clock);
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
    const ended = endedAccess(clock, 1);
    ended.remember([A]);
    expect(ended.whyNot(C)).toBeUndefined();
    clock.advance(60_000);
    ended.remember([B]);
    expect([A, B, C].map((sid) => ended.whyNot(sid))).toEqual([ENDED, FULL, FULL]);
    clock.advance(60_000);
    expect([A, B, C].map((sid) => ended.whyNot(sid))).toEqual([FULL, FULL, FULL]);
    clock.advance(60_000);
    expect([A, B, C].map((sid) => ended.whyNot(sid))).toEqual([undefined, undefined, undefined]);
  });

  test("of one assertion keeps out that one alone", () => {
    const ended = endedAccess(createManualClock(0));
    ended.remember([JTI]);
    expect(ended.whyNot(A)).toEqual({ code: "assertion_invalid", fault: "access_ended" });
    expect(ended.whyNot(A, "jti-0000000000000002")).toBeUndefined();
  });
});
