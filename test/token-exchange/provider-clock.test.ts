import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../../core/audit.ts";
import { createLog } from "../../core/log.ts";
import { createProviderClock } from "../../token-exchange/provider-clock.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { NOW } from "../support/provider-fixture.ts";

function create() {
  const clock = createManualClock(NOW);
  const audit: AuditEvent[] = [];
  const lines: string[] = [];
  const providerClock = createProviderClock({
    provider: "sso",
    clock,
    log: createLog("test", "info", { write: (line) => void lines.push(JSON.parse(line).msg) }),
    audit: { record: (event) => void audit.push(event), accepting: true, close: async () => {} },
  });
  /** The provider answers after `roundTripMs`, saying that it is `offsetMs` later there than here. */
  async function answer(offsetMs: number, roundTripMs = 0, headers: Record<string, string> = {}) {
    const fetch = providerClock.measured(async () => {
      clock.advance(roundTripMs);
      const date = new Date(clock.now() - roundTripMs / 2 + offsetMs).toUTCString();
      return new Response("body", { headers: { date, ...headers } });
    });
    return fetch();
  }
  return { clock, audit, lines, answer, state: providerClock.state };
}

describe("the provider's clock", () => {
  it("is unknown before the first answer and after answers without a date", async () => {
    const { state, answer } = create();
    expect(state()).toBe("not measured yet");
    for (const date of ["", "yesterday"]) await answer(0, 0, { date });
    await answer(0, 0, { age: "a while" });
    await answer(0, 0, { age: "1e300" });
    expect(state()).toBe("not measured yet");
  });

  it.each([
    [0, "ok"],
    [29_000, "ok"],
    [-29_000, "ok"],
    [45_000, "apart by 46 s"],
    [-45_000, "apart by 45 s"],
    [3_600_000, "apart by 3601 s"],
  ])("that is %i ms from ours is %s", async (offsetMs, expected) => {
    const { state, answer } = create();
    await answer(offsetMs);
    expect(state()).toBe(expected);
  });

  it("is compared at the middle of the round trip, and not by an answer that was long on its way", async () => {
    const { state, answer } = create();
    await answer(29_000, 4_000);
    expect(state()).toBe("ok");
    await answer(60_000, 5_001);
    expect(state()).toBe("ok");
  });

  it("is compared by what a cache on the way adds to it", async () => {
    const { state, answer } = create();
    await answer(-600_000, 0, { age: "600" });
    expect(state()).toBe("ok");
  });

  it("too far away is said once in log and audit with both times, and once that it is over", async () => {
    const { answer, audit, lines } = create();
    for (const offsetMs of [45_000, 60_000, 0, 0, -45_000]) await answer(offsetMs);
    expect(lines).toEqual([
      "clock_skew: the provider's clock and ours are too far apart",
      "the provider's clock and ours agree again",
      "clock_skew: the provider's clock and ours are too far apart",
    ]);
    expect(audit.map(({ kind, outcome, reason }) => [kind, outcome, reason])).toEqual([
      [
        "clock_skew",
        "allowed",
        "clock_skew: door 2026-11-21T08:00:00.000Z, provider 2026-11-21T08:00:45.500Z",
      ],
      [
        "clock_skew",
        "allowed",
        "clock_skew: door 2026-11-21T08:00:00.000Z, provider 2026-11-21T07:59:15.500Z",
      ],
    ]);
  });

  it("does not touch the answer, nor what goes wrong", async () => {
    const { answer } = create();
    expect(await (await answer(0)).text()).toBe("body");
    const { measured } = createProviderClock({
      provider: "sso",
      clock: createManualClock(NOW),
      log: createLog("test", "silent"),
      audit: { record: () => {}, accepting: true, close: async () => {} },
    });
    const failing = measured(async () => {
      throw new TypeError("fetch failed");
    });
    await expect(failing()).rejects.toThrow(new TypeError("fetch failed"));
  });
});
