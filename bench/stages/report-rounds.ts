// For programs that time one stage of the front door alone: rounds of many calls, the first of which counts for
// nothing; what they took goes to the measuring process as a message. CPU time, so that nobody else's is in it.

/**
 * @param calls how often to call in each round
 * @returns microseconds of CPU of one call, for each round
 */
export async function timeRounds(
  rounds: number,
  calls: number,
  call: (index: number) => unknown,
): Promise<readonly number[]> {
  const micros: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const before = process.cpuUsage();
    // A stage that answers at once is not made to wait for a turn of the event loop.
    for (let index = 0; index < calls; index += 1) {
      const answer = call(index);
      if (answer instanceof Promise) await answer;
    }
    const { user, system } = process.cpuUsage(before);
    if (round > 0) micros.push((user + system) / calls);
  }
  return micros;
}

export function report(message: unknown): void {
  if (process.send === undefined) throw new Error("nobody asked for the figures");
  process.send(message, () => process.exit());
}
