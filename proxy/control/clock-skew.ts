// How far an endpoint's clock is off, and the one line each time that it becomes too far: assertions then start to be
// refused as expired or not yet valid, and nothing else says why.
import { CLOCK_SKEW_SECONDS } from "../../core/assertion.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Log } from "../../core/log.ts";
import type { MeasuredTimes } from "./heartbeat.ts";
import { namesOf, type Place } from "./place.ts";

export type ClockSkew = {
  measured(times: MeasuredTimes): void;
  /** The gateway's clock less ours; null before the first measurement. */
  offsetMs(): number | null;
};

export function createClockSkew(place: Place, deps: { log: Log; audit: Audit }): ClockSkew {
  let offsetMs: number | null = null;
  let skewed = false;

  return {
    measured(times) {
      offsetMs = times.gateway - times.door;
      const before = skewed;
      skewed = Math.abs(offsetMs) > CLOCK_SKEW_SECONDS * 1000;
      if (skewed === before) return;
      const line = {
        ...namesOf(place),
        doorTime: iso(times.door),
        gatewayTime: iso(times.gateway),
        offsetMs,
      };
      if (!skewed) return deps.log.info(line, "the clocks agree again");
      deps.log.warn(line, "clock_skew: the gateway's clock and ours are too far apart");
      const reason = `clock_skew: door ${line.doorTime}, gateway ${line.gatewayTime}`;
      deps.audit.record(
        auditEvent({ kind: "control_channel", outcome: "allowed", reason, ...namesOf(place) }),
      );
    },
    offsetMs: () => offsetMs,
  };
}

/** A gateway may claim a time that no calendar has. */
function iso(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
