// Random text for ids that are made on every request: drawn from the system's generator for many at once, because
// asking it costs more than the rest of the id. Not for secrets: what is drawn ahead lies in memory.
import { randomFillSync } from "node:crypto";

const pool = Buffer.allocUnsafe(16 * 256);
let used = pool.length;

/** @param bytes of randomness, at most 16; no byte is given out twice */
export function randomId(bytes: number, encoding: "base64url" | "hex"): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString(encoding, used - bytes, used);
}
