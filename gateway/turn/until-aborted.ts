// Ends a stream the moment it is aborted, even when whoever makes it does not listen: a stop must always stop.

export async function* untilAborted<T>(pieces: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  if (signal.aborted) return;
  const iterator = pieces[Symbol.asyncIterator]();
  const aborted = new Promise<"aborted">((resolve) => {
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
  while (true) {
    const next = iterator.next();
    // Left behind by an abort it may still fail, with nobody waiting.
    next.catch(() => {});
    const step = await Promise.race([aborted, next]);
    if (step === "aborted" || signal.aborted) {
      // Not awaited: it may be stuck in the very step that was given up.
      iterator.return?.().catch(() => {});
      return;
    }
    if (step.done === true) return;
    yield step.value;
  }
}
