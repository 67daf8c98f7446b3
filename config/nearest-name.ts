// For a name that is not known: the one that was probably meant.

const LISTED = 12;

/** What to say after "expected" and what it is: the nearest known name, and all of them when they are few. */
export function knownNames(found: string, known: readonly string[]): string {
  if (known.length === 0) return " (there are none)";
  const nearest = nearestName(found, known);
  const suggestion = nearest === undefined ? "" : `, did you mean ${nearest}?`;
  return known.length <= LISTED ? `${suggestion} (known: ${known.join(", ")})` : suggestion;
}

/** Undefined when no known name is within a third of the longer one's letters. */
export function nearestName(found: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const limit = Math.max(1, Math.floor(Math.max(found.length, name.length) / 3));
    if (Math.abs(found.length - name.length) > limit) continue;
    const distance = editDistance(found.toLowerCase(), name.toLowerCase());
    if (distance > limit || distance >= nearestDistance) continue;
    nearest = name;
    nearestDistance = distance;
  }
  return nearest;
}

// Optimal string alignment (Damerau 1964): two neighbours the other way round are one slip, or `idel` would be half of
// `idle` away. One row at a time, with the two before it.
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (beforeLast[j - 2] ?? 0) + 1 : substituted;
      row.push(Math.min(substituted, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
