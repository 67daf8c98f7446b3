import { beforeEach, expect, it } from "vitest";
import type { AuditEvent } from "../../../core/audit.ts";
import { createLog } from "../../../core/log.ts";
import { type ClockSkew, createClockSkew } from "../../../proxy/control/clock-skew.ts";
import { controlLine, placeOf, START } from "./control-fixture.ts";

let audited: AuditEvent[];
let logged: Record<string, unknown>[];
let skew: ClockSkew;

beforeEach(() => {
  audited = [];
  logged = [];
  skew = createClockSkew(placeOf(), {
    log: createLog("front-door", "debug", { write: (line) => void logged.push(JSON.parse(line)) }),
    audit: { record: (event) => void audited.push(event), accepting: true, close: async () => {} },
  });
});

function off(ms: number) {
  skew.measured({ door: START, gateway: START + ms });
}

it("tells the offset once it is measured", () => {
  expect(skew.offsetMs()).toBeNull();
  off(-250);
  expect(skew.offsetMs()).toBe(-250);
});

it("says nothing up to thirty seconds, either way", () => {
  for (const ms of [0, 30_000, -30_000]) off(ms);
  expect([audited, logged]).toEqual([[], []]);
});

it.each([
  [30_001, "2026-11-02T09:00:30.001Z"],
  [-30_001, "2026-11-02T08:59:29.999Z"],
])("says both times beyond, in log and audit: %d ms", (ms, gatewayTime) => {
  off(ms);
  const doorTime = "2026-11-02T09:00:00.000Z";
  expect(audited).toEqual([controlLine("allowed", `clock_skew: door ${doorTime}, gateway ${gatewayTime}`)]);
  expect(
    logged.map(({ level, msg, doorTime, gatewayTime, offsetMs }) => [
      level,
      msg,
      doorTime,
      gatewayTime,
      offsetMs,
    ]),
  ).toEqual([
    ["warn", "clock_skew: the gateway's clock and ours are too far apart", doorTime, gatewayTime, ms],
  ]);
});

it("says it once for each crossing, and when it is over", () => {
  for (const ms of [40_000, 50_000, 0, 10, -40_000]) off(ms);
  expect(logged.map(({ msg }) => msg)).toEqual([
    "clock_skew: the gateway's clock and ours are too far apart",
    "the clocks agree again",
    "clock_skew: the gateway's clock and ours are too far apart",
  ]);
  expect(audited).toHaveLength(2);
});

it("survives a time that no calendar has", () => {
  skew.measured({ door: START, gateway: Number.MAX_SAFE_INTEGER });
  expect(audited[0]?.reason).toBe("clock_skew: door 2026-11-02T09:00:00.000Z, gateway 9007199254740991");
});
