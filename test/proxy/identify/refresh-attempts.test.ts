import { describe, expect, it } from "vitest";
import { newSessionId } from "../../../core/ids.ts";
import { createLog } from "../../../core/log.ts";
import { createRefreshAttempts } from "../../../proxy/identify/refresh-attempts.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";

function create() {
  const clock = createManualClock(NOW);
  const lines: string[] = [];
  const log = createLog("test", "info", { write: (line) => void lines.push(JSON.parse(line).msg) });
  return { clock, lines, attempts: createRefreshAttempts("sso", clock, log) };
}

/** Milliseconds after which `may` first says yes, up to two minutes. */
function pauseUntil(clock: { advance(ms: number): void }, may: () => boolean): number {
  for (let waited = 0; waited <= 120_000; waited += 500) {
    if (may()) return waited;
    clock.advance(500);
  }
  throw new Error("never");
}

describe("one session that gets no answer", () => {
  it("pauses longer each time, up to a minute, while others are asked about", () => {
    const { clock, attempts } = create();
    const [sid, other] = [newSessionId(), newSessionId()];
    const pauses: number[] = [];
    for (let failure = 0; failure < 6; failure += 1) {
      pauses.push(pauseUntil(clock, () => attempts.begin(sid)));
      attempts.ended(sid, "unclear", "invalid_client");
      expect(attempts.begin(other)).toBe(true);
      attempts.ended(other, "answered", "");
    }
    expect(pauses).toEqual([0, 5_000, 10_000, 20_000, 40_000, 60_000]);
  });

  it("starts over with short pauses once it was answered", () => {
    const { clock, attempts } = create();
    const sid = newSessionId();
    for (const how of ["unclear", "unclear", "answered", "unclear"] as const) {
      pauseUntil(clock, () => attempts.begin(sid));
      attempts.ended(sid, how, "");
    }
    expect(pauseUntil(clock, () => attempts.begin(sid))).toBe(5_000);
  });
});

describe("a provider that is down", () => {
  it("is asked by one of ten thousand sessions in each pause, which grows to half a minute", () => {
    const { clock, attempts } = create();
    const sids = Array.from({ length: 10_000 }, newSessionId);
    const first = sids[0] ?? newSessionId();
    attempts.begin(first);
    attempts.ended(first, "unreachable", "ECONNREFUSED");
    const askedAt: number[] = [];
    for (let second = 1; second <= 120; second += 1) {
      clock.advance(1_000);
      const begun = sids.filter((sid) => attempts.begin(sid));
      expect(begun.length).toBeLessThanOrEqual(1);
      for (const sid of begun) {
        askedAt.push(second);
        attempts.ended(sid, "unreachable", "ECONNREFUSED");
      }
    }
    expect(askedAt).toEqual([2, 6, 14, 30, 60, 90, 120]);
  });

  it("counts requests that fail together as one failure", () => {
    const { clock, attempts } = create();
    const sids = Array.from({ length: 16 }, newSessionId);
    for (const sid of sids) expect(attempts.begin(sid)).toBe(true);
    for (const sid of sids) attempts.ended(sid, "unreachable", "timeout");
    clock.advance(2_000);
    expect(attempts.begin(newSessionId())).toBe(true);
  });

  it("is asked by everybody again as soon as it answered one, and the log says both once", () => {
    const { clock, attempts, lines } = create();
    const [one, other] = [newSessionId(), newSessionId()];
    for (const sid of [one, other]) attempts.begin(sid);
    for (const sid of [one, other]) attempts.ended(sid, "unreachable", "timeout");
    clock.advance(60_000);
    expect([attempts.begin(one), attempts.begin(other)]).toEqual([true, false]);
    attempts.ended(one, "answered", "");
    expect([attempts.begin(one), attempts.begin(other)]).toEqual([true, true]);
    expect(lines).toEqual([
      "the identity provider cannot refresh sessions; trying on",
      "the identity provider refreshes sessions again",
    ]);
  });
});
