// What arrived so far, and a way to wait for what has not.

export type Inbox<T> = {
  readonly items: readonly T[];
  put(item: T): void;
  /** The first item, past or future, for which this holds. */
  first(holds: (item: T) => boolean): Promise<T>;
  /** The nth item, past or future, counted from 0. */
  at(index: number): Promise<T>;
};

export function createInbox<T>(): Inbox<T> {
  const items: T[] = [];
  const waiting = new Set<() => void>();

  function wait<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }

  return {
    items,
    put(item) {
      items.push(item);
      for (const look of [...waiting]) look();
    },
    first: (holds) => wait(() => items.find(holds)),
    at: (index) => wait(() => items[index]),
  };
}
