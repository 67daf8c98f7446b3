// Loaded before a Node program (`node --expose-gc --import …`), so that its memory can be read without what it has not
// thrown away yet: on the message "collect" it collects, and answers how much heap it keeps empty. Changes nothing of the
// program itself.
import { getHeapStatistics } from "node:v8";

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined || process.send === undefined)
  throw new Error("needs --expose-gc and a channel to the process that asks");

process.on("message", (message) => {
  if (message !== "collect") return;
  collect();
  // Once more, for what the first round's finalizers let go.
  setImmediate(() => {
    collect();
    const { total_physical_size: held, used_heap_size: used } = getHeapStatistics();
    process.send?.({ emptyHeapKiB: (held - used) / 1_024 });
  });
});
// Listening must not keep the program alive.
process.channel?.unref();
