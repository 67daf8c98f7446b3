// What is under way just now: added and removed with every request, in no order. A Set would cost less code and more
// time: V8 makes a Set's or Map's table anew every so many changes, the old table points to the new one, and as soon as
// one of them has become old, all of its successors with everything in them outlive the young generation. Measured, that
// kept four kilobytes of each finished request, and moving them was a sixth of what a request cost.

/** Something that is in one list at most. */
export type Placed = {
  /** Where it is in its list: the list's own to write, {@link NOWHERE} in the beginning. */
  placedAt: number;
};

export const NOWHERE = -1;

export class SwapList<Item extends Placed> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** As they are now; who changes the list meanwhile does not change what is returned. */
  all(): Item[] {
    return this.#items.slice();
  }

  add(item: Item): void {
    item.placedAt = this.#items.push(item) - 1;
  }

  /** @returns false when it is not there */
  remove(item: Item): boolean {
    if (item.placedAt === NOWHERE) return false;
    // The last one takes its place.
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.placedAt] = last;
      last.placedAt = item.placedAt;
    }
    item.placedAt = NOWHERE;
    return true;
  }
}
