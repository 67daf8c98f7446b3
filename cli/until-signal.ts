// Keeps a process running until it is told to stop: the first signal ends it gracefully, a second one at once.

/**
 * @param close ends what was started; when it fails the process ends with an error
 * @param hangUp called for each SIGHUP, which otherwise ends the process; never rejects
 */
export async function untilSignal(close: () => Promise<void>, hangUp?: () => Promise<void>): Promise<void> {
  if (hangUp !== undefined) process.on("SIGHUP", () => void hangUp());
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve();
      });
    }
  });
  await close();
}
