import fc from "fast-check";
import { expect, it } from "vitest";
import type { Result } from "../../../core/result.ts";
import type { Commit, Store, StoreConflict, StoreWrite } from "../../../core/store.ts";
import { StoreGap } from "../../../core/store.ts";
import { embeddedFixture } from "../embedded-fixture.ts";

const KEYS = ["a", "ab", "b"];
const KEPT_EVENTS = 4;
/** Tiny, so that compaction happens every few commits. */
const OPTIONS = { keepEvents: KEPT_EVENTS, compactAboveBytes: 400, compactFactor: 1.5 };

type Real = { store: Store; reopen(): Promise<Store>; advance(ms: number): void };
type Command = fc.AsyncCommand<Model, Real>;

it("answers as a simple model does, over any writes, times, restarts and compactions", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commandKinds(), { maxCommands: 40 }), async (commands) => {
      const { open, clock } = await embeddedFixture();
      const setUp = async () => ({
        model: new Model(clock.now()),
        real: { store: await open(OPTIONS), reopen: () => open(OPTIONS), advance: clock.advance },
      });
      await fc.asyncModelRun(setUp, commands);
    }),
    { numRuns: 100 },
  );
});

/** The port's rules once more, as plainly as possible: no log, no disk, no concurrency. */
class Model {
  now: number;
  keys = new Map<string, { version: number; value: string | null; until: number | null }>();
  events: string[] = [];

  constructor(now: number) {
    this.now = now;
  }

  commit(writes: readonly StoreWrite[]): Result<Commit, StoreConflict> {
    const before = { keys: new Map(this.keys), events: [...this.events] };
    const versions: number[] = [];
    for (const write of writes) {
      if (write.kind === "event") {
        this.events.push(write.payload);
        continue;
      }
      const current = this.current(write.key);
      const buried = current !== undefined && current.value === null;
      const version = current?.version ?? 0;
      const refused = write.ifVersion !== undefined && write.ifVersion !== version;
      if (refused || (buried && write.kind === "put" && write.ifVersion !== undefined)) {
        this.keys = before.keys;
        this.events = before.events;
        return { ok: false, error: { kind: "conflict", key: write.key, version } };
      }
      versions.push(version + 1);
      if (write.kind === "put") {
        this.keys.set(write.key, { version: version + 1, value: write.value, until: write.expiresAt });
        continue;
      }
      const until = Math.max(write.tombstoneUntil ?? 0, buried ? (current.until ?? 0) : 0);
      this.keys.set(write.key, { version: version + 1, value: null, until });
    }
    return { ok: true, value: { versions, eventNumber: this.events.length } };
  }

  list() {
    return KEYS.flatMap((key) => {
      const current = this.current(key);
      if (current === undefined || current.value === null) return [];
      return [{ key, value: current.value, version: current.version, expiresAt: current.until }];
    });
  }

  current(key: string) {
    const found = this.keys.get(key);
    return found === undefined || (found.until !== null && found.until <= this.now) ? undefined : found;
  }
}

function commandKinds(): fc.Arbitrary<Command>[] {
  const key = fc.constantFrom(...KEYS);
  const ifVersion = fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 2 });
  const soon = fc.integer({ min: -1, max: 30 });
  const put = fc
    .tuple(key, fc.string({ unit: "binary" }), ifVersion, fc.option(soon))
    .map(([key, value, ifVersion, lifetime]) => (now: number): StoreWrite => {
      const expiresAt = lifetime === null ? null : now + lifetime;
      return { kind: "put", key, value, expiresAt, ...(ifVersion === undefined ? {} : { ifVersion }) };
    });
  const remove = fc.tuple(key, ifVersion, fc.option(soon)).map(([key, ifVersion, lifetime]) => {
    return (now: number): StoreWrite => ({
      kind: "delete",
      key,
      ...(ifVersion === undefined ? {} : { ifVersion }),
      ...(lifetime === null ? {} : { tombstoneUntil: now + lifetime }),
    });
  });
  const event = fc.string().map((payload) => (): StoreWrite => ({ kind: "event", payload }));
  const commit = fc.array(fc.oneof(put, remove, event), { maxLength: 4 });
  return [
    fc.array(commit, { minLength: 1, maxLength: 3 }).map(commitTogether),
    fc.integer({ min: 1, max: 20 }).map(advance),
    fc.constant(restart()),
  ];
}

/** Several commits called in the same moment: they must come out as if one after the other. */
function commitTogether(commits: readonly (readonly ((now: number) => StoreWrite)[])[]): Command {
  return {
    check: () => true,
    async run(model, real) {
      const now = model.now;
      const writes = commits.map((commit) => commit.map((write) => write(now)));
      const expected = writes.map((commit) => model.commit(commit));
      expect(await Promise.all(writes.map((commit) => real.store.commit(commit)))).toEqual(expected);
      await expectSame(model, real.store);
    },
    toString: () => `commit ${JSON.stringify(commits.map((commit) => commit.map((write) => write(0))))}`,
  };
}

function advance(ms: number): Command {
  return {
    check: () => true,
    async run(model, real) {
      model.now += ms;
      real.advance(ms);
      await expectSame(model, real.store);
    },
    toString: () => `advance ${ms} ms`,
  };
}

function restart(): Command {
  return {
    check: () => true,
    async run(model, real) {
      await real.store.close();
      real.store = await real.reopen();
      await expectSame(model, real.store);
    },
    toString: () => "restart",
  };
}

async function expectSame(model: Model, store: Store): Promise<void> {
  expect(await store.list("")).toEqual(model.list());
  expect(await store.list("a")).toEqual(model.list().filter(({ key }) => key.startsWith("a")));
  for (const key of KEYS) {
    const { key: _, ...entry } = model.list().find((found) => found.key === key) ?? { key };
    expect(await store.get(key)).toEqual("version" in entry ? entry : undefined);
  }
  expect(await store.lastEventNumber()).toBe(model.events.length);
  const gone = Math.max(0, model.events.length - KEPT_EVENTS);
  expect(await store.eventsAfter(gone)).toEqual(
    model.events.map((payload, index) => ({ number: index + 1, payload })).slice(gone),
  );
  if (gone > 0) await expect(store.eventsAfter(gone - 1)).rejects.toThrow(StoreGap);
}
