// Keeps a process running until it is told to stop: the first signal ends it gracefully, over the drain time; a second
// one at once, which is what somebody asked for and no failure.

/**
 * @param close ends what was started; when it fails the process ends with an error
 * @param hangUp called for each SIGHUP, which otherwise ends the process; never rejects
 */
export async function untilSignal(close: () => Promise<void>, hangUp?: () => Promise<void>): Promise<void> {
  if (hangUp !== undefined) process.on("SIGHUP", () => void hangUp());
  await new Promise<void>((resolve) => {
    let told = false;
    const stop = () => {
      if (told) process.exit(0);
      told = true;
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
  await close();
}
