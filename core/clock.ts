// Time as a parameter: the only file that reads the system's clocks.

export type Clock = {
  /** Wall clock, milliseconds since 1970. For claims, expiry and records. */
  now(): number;
  /** Milliseconds that only ever grow. For durations, leases and timeouts: a clock set back must not extend them. */
  monotonic(): number;
  /** Calls once after `delayMs`; returns the function that cancels. Never keeps the process alive. */
  after(delayMs: number, action: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
