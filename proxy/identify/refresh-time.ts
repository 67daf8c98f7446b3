// When the provider's tokens of a session are to be refreshed, and until when it goes on without. Pure.

/** Tokens are refreshed this long before they expire. */
const EARLY_MS = 60_000;
/** Tokens that live shorter than that are not refreshed without pause. */
const PAUSE_MS = 30_000;

/**
 * @param expiresAt of the access token, seconds since 1970; null when the provider did not say
 * @returns milliseconds since 1970, or null when there is nothing to refresh with, or nothing says when
 */
export function refreshTime(refreshToken: string | null, expiresAt: number | null): number | null {
  return refreshToken === null || expiresAt === null ? null : expiresAt * 1000 - EARLY_MS;
}

/** {@link refreshTime} of tokens that were refreshed at `now`, milliseconds since 1970. */
export function nextRefreshTime(refreshToken: string, expiresAt: number | null, now: number): number | null {
  const time = refreshTime(refreshToken, expiresAt);
  return time === null ? null : Math.max(time, now + PAUSE_MS);
}

/** Until when a session goes on although its tokens could not be refreshed: the grace begins as they expire. */
export function graceEnd(refreshAt: number, graceMs: number): number {
  return refreshAt + EARLY_MS + graceMs;
}
