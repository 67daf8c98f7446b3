import { describe, expect, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { createReplayMemory } from "../../../gateway/admit/replay-memory.ts";

describe("replay memory", () => {
  test("knows an id until its expiry and the clock skew are over, the last second included", () => {
    const memory = createReplayMemory(10);
    expect(memory.remember("a", 160, 100)).toEqual(ok(undefined));
    expect(memory.remember("a", 160, 100)).toEqual(err("replayed"));
    expect(memory.remember("a", 160, 190)).toEqual(err("replayed"));
    expect(memory.remember("a", 160, 190.5)).toEqual(ok(undefined));
  });

  test("refuses when it is full, and takes ids again when some have lapsed", () => {
    const memory = createReplayMemory(2);
    memory.remember("a", 110, 100);
    memory.remember("b", 160, 100);
    expect(memory.remember("c", 160, 100)).toEqual(err("replay_memory_full"));
    // A known id is a replay even then: the reason must not depend on how full it is.
    expect(memory.remember("b", 160, 100)).toEqual(err("replayed"));
    expect(memory.remember("c", 160, 141)).toEqual(ok(undefined));
    expect(memory.remember("d", 160, 141)).toEqual(err("replay_memory_full"));
  });
});
