// How long to wait before a channel is dialled again. Pure: randomness is a parameter.

const FIRST_MS = 250;
/** Also how long a channel must have lasted for the waits to start small again. */
export const LONGEST_REDIAL_MS = 10_000;

/**
 * Anything up to 250 ms, then up to twice as long each time, at most 10 s: "full jitter", which spreads the doors that
 * lost the same gateway widest (AWS Architecture Blog, "Exponential Backoff And Jitter").
 * @param attempt 0 for the first one after a channel that lasted
 * @param random at least 0, less than 1
 */
export function redialDelayMs(attempt: number, random: number): number {
  return Math.floor(random * Math.min(LONGEST_REDIAL_MS, FIRST_MS * 2 ** Math.min(attempt, 16)));
}
