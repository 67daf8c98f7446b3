// Numbers of several rounds, taken together. Pure.

/** One figure for each round, in the order of the rounds. */
export type Rounds = readonly number[];

export type Summary = { readonly median: number; readonly min: number; readonly max: number };

/** @param rounds at least one */
export function summaryOf(rounds: Rounds): Summary {
  const sorted = [...rounds].sort((one, other) => one - other);
  const at = (place: number) => sorted[place] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Round by round: what a neighbour on the machine took in one round, it took from both. */
export function ratiosOf(rounds: Rounds, against: Rounds): Rounds {
  return rounds.map((value, round) => value / (against[round] ?? Number.NaN));
}
