// The last resort for a fault that nobody expected: one line with its place, then the process ends, for its supervisor
// to start it anew. What it did not finish is refused, never half allowed; whoever was connected comes back.
import type { Log } from "../core/log.ts";

/** To be called before anything is opened. Ends a rejection that nobody handles too: Node makes it an exception. */
export function endOnFault(log: Log): void {
  process.on("uncaughtException", (fault, origin) => {
    try {
      log.fatal({ ...placeOf(fault), origin }, "an unexpected fault ends this process");
    } finally {
      // At once: nothing is known any more of what the memory holds. Audit lines are written as the process exits.
      process.exit(1);
    }
  });
}

/** Without its message, which may quote what somebody sent. */
export function placeOf(fault: unknown): { readonly fault: string; readonly at: readonly string[] } {
  if (!(fault instanceof Error)) return { fault: typeof fault, at: [] };
  const { name, message, stack = "" } = fault;
  const { code } = fault as NodeJS.ErrnoException;
  const frames = stack.slice(stack.indexOf(message) + message.length).split("\n");
  return {
    fault: code === undefined ? name : `${name} ${code}`,
    at: frames.flatMap((frame) => /^ {4}at (.+)$/.exec(frame)?.[1] ?? []),
  };
}
