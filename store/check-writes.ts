// Refuses writes that no adapter could keep faithfully. A caller's program is wrong then, so it throws.
// No I/O, no clock.
import type { StoreWrite } from "../core/store.ts";

/** JSON turns NaN and Infinity into null, which as `expiresAt` would mean "never": refused before anything is written. */
export function checkWrites(writes: readonly StoreWrite[]): void {
  for (const write of writes) {
    if (write.kind === "event") continue;
    if (write.ifVersion !== undefined && !(Number.isSafeInteger(write.ifVersion) && write.ifVersion >= 0))
      throw new TypeError(`ifVersion must be a whole number from 0, not ${write.ifVersion}`);
    const time = write.kind === "put" ? write.expiresAt : (write.tombstoneUntil ?? null);
    if (time !== null && !Number.isFinite(time))
      throw new TypeError(`times must be finite milliseconds since 1970, not ${time}`);
  }
}
