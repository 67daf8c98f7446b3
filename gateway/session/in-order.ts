// Asynchronous work that must not overlap: tasks under one key run one after the other, in the order they came.

export type InOrder = {
  /** Settles as the task does; a task that fails does not stop the next. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
  /** Resolves when everything handed over so far is done. */
  idle(): Promise<void>;
};

export function createInOrder(): InOrder {
  const last = new Map<string, Promise<void>>();
  return {
    run(key, task) {
      const done = (last.get(key) ?? Promise.resolve()).then(task);
      const settled: Promise<void> = done.then(
        () => forget(),
        () => forget(),
      );
      const forget = () => {
        if (last.get(key) === settled) last.delete(key);
      };
      last.set(key, settled);
      return done;
    },
    async idle() {
      await Promise.all(last.values());
    },
  };
}
