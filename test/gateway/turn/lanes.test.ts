import { describe, expect, test } from "vitest";
import { createLanes, type LaneLimits, type LaneTurn } from "../../../gateway/turn/lanes.ts";

type Track = {
  readonly started: readonly string[];
  readonly moves: readonly string[];
  finish(name: string): Promise<void>;
};

/** Lanes whose turns run until they are told to finish. */
function track(limits: LaneLimits) {
  const lanes = createLanes(limits);
  const started: string[] = [];
  const moves: string[] = [];
  const finishers = new Map<string, () => void>();
  const turn = (name: string, owner: string, session = name): LaneTurn => ({
    session,
    owner,
    run() {
      started.push(name);
      return new Promise((resolve) => finishers.set(name, resolve));
    },
    moved: (position) => void moves.push(`${name} ${position}`),
  });
  const tracked: Track = {
    started,
    moves,
    async finish(name) {
      finishers.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return { lanes, turn, ...tracked };
}

describe("lanes", () => {
  test("run as many turns at a time as they may, then the waiting ones first come, first served", async () => {
    const { lanes, turn, started, finish } = track({ maxConcurrent: 2, maxQueued: 10 });
    expect(lanes.enter(turn("a", "alice"))).toEqual({ ok: true, value: { kind: "running" } });
    expect(lanes.enter(turn("b", "bob"))).toEqual({ ok: true, value: { kind: "running" } });
    expect(lanes.enter(turn("c", "carol"))).toEqual({ ok: true, value: { kind: "waiting", position: 1 } });
    expect(lanes.enter(turn("d", "dana"))).toEqual({ ok: true, value: { kind: "waiting", position: 2 } });
    expect(lanes.counts()).toEqual({ running: 2, waiting: 2 });
    await finish("b");
    expect(started).toEqual(["a", "b", "c"]);
    await finish("a");
    expect(started).toEqual(["a", "b", "c", "d"]);
  });

  test("run one turn at a time in a session, in the order they came, and others meanwhile", async () => {
    const { lanes, turn, started, finish } = track({ maxConcurrent: 4, maxQueued: 10 });
    lanes.enter(turn("first", "alice", "main"));
    lanes.enter(turn("second", "alice", "main"));
    lanes.enter(turn("third", "alice", "main"));
    lanes.enter(turn("elsewhere", "alice", "notes"));
    expect(started).toEqual(["first", "elsewhere"]);
    await finish("first");
    expect(started).toEqual(["first", "elsewhere", "second"]);
    await finish("second");
    expect(started).toEqual(["first", "elsewhere", "second", "third"]);
  });

  test("give a free place to whoever has the fewest turns running", async () => {
    const { lanes, turn, started, finish } = track({ maxConcurrent: 2, maxQueued: 10 });
    for (const name of ["a1", "a2", "a3", "a4"]) lanes.enter(turn(name, "alice"));
    lanes.enter(turn("b1", "bob"));
    await finish("a1");
    expect(started).toEqual(["a1", "a2", "b1"]);
    await finish("a2");
    expect(started).toEqual(["a1", "a2", "b1", "a3"]);
  });

  test("refuse when the line is full", () => {
    const { lanes, turn } = track({ maxConcurrent: 1, maxQueued: 2 });
    lanes.enter(turn("a", "alice"));
    lanes.enter(turn("b", "bob"));
    lanes.enter(turn("c", "carol"));
    expect(lanes.enter(turn("d", "dana"))).toEqual({ ok: false, error: "full" });
  });

  test("do not let one person fill the line for everybody", () => {
    const { lanes, turn } = track({ maxConcurrent: 1, maxQueued: 4 });
    for (const name of ["a1", "a2", "a3"]) lanes.enter(turn(name, "alice"));
    expect(lanes.enter(turn("a4", "alice"))).toEqual({ ok: false, error: "full" });
    expect(lanes.enter(turn("b1", "bob"))).toEqual({ ok: true, value: { kind: "waiting", position: 3 } });
  });

  test("let a waiting turn leave, and not a running one", async () => {
    const { lanes, turn, started, finish } = track({ maxConcurrent: 1, maxQueued: 4 });
    const [running, waiting] = [turn("running", "alice"), turn("waiting", "alice")];
    lanes.enter(running);
    lanes.enter(waiting);
    expect([lanes.leave(running), lanes.leave(waiting), lanes.leave(waiting)]).toEqual([false, true, false]);
    await finish("running");
    expect(started).toEqual(["running"]);
  });

  test("free the place of a turn that fails", async () => {
    const { lanes, turn, started } = track({ maxConcurrent: 1, maxQueued: 4 });
    lanes.enter({ session: "s", owner: "alice", run: () => Promise.reject(new Error("boom")), moved() {} });
    lanes.enter(turn("next", "bob"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual(["next"]);
  });

  test("tell those who come forward of their new place, and nobody else", async () => {
    const { lanes, turn, moves, finish } = track({ maxConcurrent: 1, maxQueued: 10 });
    const [a1, a2, b1, c1] = [
      turn("a1", "alice"),
      turn("a2", "alice"),
      turn("b1", "bob"),
      turn("c1", "carol"),
    ];
    for (const entered of [a1, a2, b1, c1]) lanes.enter(entered);
    lanes.leave(b1);
    expect(moves).toEqual(["c1 2"]);
    await finish("a1");
    expect(moves).toEqual(["c1 2", "c1 1"]);
    await finish("a2");
    expect(moves).toEqual(["c1 2", "c1 1"]);
  });
});
