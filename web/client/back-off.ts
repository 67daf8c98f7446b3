// How long to wait before connecting again. Pure: randomness is a parameter.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Doubles from 0.5 s to 30 s, then takes between half and all of it at random, so that everyone who lost
 * the same gateway does not come back in the same instant.
 * @param attempt 0 for the first one after a connection that worked
 * @param random at least 0, less than 1
 */
export function backOffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (0.5 + random / 2));
}
