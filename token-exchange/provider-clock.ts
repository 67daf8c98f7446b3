// How far the provider's clock is from ours, by the `Date` of its answers, and the one line each time that it becomes
// too far: tokens then start to be refused as expired or not yet valid, and nothing else says why.
import { CLOCK_SKEW_SECONDS } from "../core/assertion.ts";
import { type Audit, auditEvent } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

export type ProviderClock = {
  /** A fetch whose answers are measured. */
  measured<Asked extends readonly unknown[]>(
    fetch: (...asked: Asked) => Promise<Response>,
  ): (...asked: Asked) => Promise<Response>;
  /** For readiness: `ok`, `apart by 45 s`, or `not measured yet`. */
  state(): string;
  /** Milliseconds that the provider's clock is ahead, when that is too far; undefined otherwise. */
  tooFarApart(): number | undefined;
};

/** An answer that took longer says too little about when it was made. */
const MAX_ROUND_TRIP_MS = 5_000;

export function createProviderClock(deps: {
  /** Its id in the configuration. */
  provider: string;
  clock: Clock;
  log: Log;
  audit: Audit;
}): ProviderClock {
  const { provider, clock, log, audit } = deps;
  let offsetMs: number | undefined;
  let apart = false;

  /**
   * Both in milliseconds since 1970.
   * @param door our clock's time when the provider said its own
   */
  function compare(said: number, door: number) {
    offsetMs = said - door;
    const before = apart;
    apart = Math.abs(offsetMs) > CLOCK_SKEW_SECONDS * 1000;
    if (apart === before) return;
    const line = {
      provider,
      offsetMs,
      doorTime: new Date(door).toISOString(),
      providerTime: new Date(said).toISOString(),
    };
    if (!apart) return log.info(line, "the provider's clock and ours agree again");
    log.warn(line, "clock_skew: the provider's clock and ours are too far apart");
    const reason = `clock_skew: door ${line.doorTime}, provider ${line.providerTime}`;
    audit.record(auditEvent({ kind: "clock_skew", outcome: "allowed", reason, provider }));
  }

  return {
    measured:
      (fetch) =>
      async (...asked) => {
        const sentAt = clock.monotonic();
        const answer = await fetch(...asked);
        const roundTripMs = clock.monotonic() - sentAt;
        const said = timeOf(answer.headers);
        if (said !== undefined && roundTripMs <= MAX_ROUND_TRIP_MS) {
          compare(said, clock.now() - roundTripMs / 2);
        }
        return answer;
      },
    state() {
      if (offsetMs === undefined) return "not measured yet";
      return apart ? `apart by ${Math.round(Math.abs(offsetMs) / 1000)} s` : "ok";
    },
    tooFarApart: () => (apart ? offsetMs : undefined),
  };
}

// A cache on the way keeps `Date` and counts `Age` (RFC 9111 §5.1). `Date` is cut to whole seconds: half of one is
// the best guess of what is missing.
function timeOf(headers: Headers): number | undefined {
  const time = Date.parse(headers.get("date") ?? "") + Number(headers.get("age") ?? 0) * 1000 + 500;
  return Math.abs(time) <= LAST_DATE_MS ? time : undefined;
}

/** Of ECMAScript's calendar, either way. */
const LAST_DATE_MS = 8.64e15;
