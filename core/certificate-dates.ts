// What a certificate's dates mean at a moment. Pure.

export type CertificateDates = {
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly expiresAt: number;
};

export type DateVerdict = {
  readonly state: "ok" | "expires_soon" | "expired" | "not_yet_valid";
  /** `expires on 2026-12-06`, behind "the certificate"; `ok` when there is nothing to say. */
  readonly said: string;
};

const WARN_BEFORE_MS = 14 * 24 * 60 * 60 * 1000;

/** @param now milliseconds since 1970 */
export function judgeDates({ validFrom, expiresAt }: CertificateDates, now: number): DateVerdict {
  if (expiresAt <= now) return { state: "expired", said: `expired on ${dayOf(expiresAt)}` };
  if (validFrom > now) return { state: "not_yet_valid", said: `is not valid before ${dayOf(validFrom)}` };
  // One that lives for a few days only is renewed when two thirds of them are over.
  const inGoodTimeMs = Math.min(WARN_BEFORE_MS, (expiresAt - validFrom) / 3);
  return expiresAt - now > inGoodTimeMs
    ? { state: "ok", said: "ok" }
    : { state: "expires_soon", said: `expires on ${dayOf(expiresAt)}` };
}

/** What to do about it, for a verdict that is not `ok`. */
export function remedyOf({ state }: DateVerdict): string {
  return state === "not_yet_valid" ? "wait, or look at this machine's clock" : "renew it";
}

/** `2026-11-21` */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
