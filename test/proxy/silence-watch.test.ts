import { expect, it } from "vitest";
import { createSilenceWatch, type Watched } from "../../proxy/silence-watch.ts";
import { NOWHERE } from "../../proxy/swap-list.ts";
import { createManualClock } from "../support/manual-clock.ts";

function watchOf() {
  const clock = createManualClock(0);
  const watch = createSilenceWatch(clock);
  const ended: string[] = [];
  const watched = (name: string, silentUntil: number): Watched => ({
    silentUntil,
    placedAt: NOWHERE,
    onSilence: () => void ended.push(name),
  });
  return { clock, watch, ended, watched };
}

it("ends what is silent past its time, once, and nothing else", () => {
  const { clock, watch, ended, watched } = watchOf();
  for (const [name, until] of [
    ["a", 1_500],
    ["b", 5_000],
    ["c", 2_000],
  ] as const) {
    watch.add(watched(name, until));
  }
  clock.advance(1_000);
  expect(ended).toEqual([]);
  clock.advance(1_000);
  expect(ended).toEqual(["a", "c"]);
  clock.advance(10_000);
  expect(ended).toEqual(["a", "c", "b"]);
});

it("does not end what has shown a sign of life, or is over", () => {
  const { clock, watch, ended, watched } = watchOf();
  const [first, alive, over, last] = ["first", "alive", "over", "last"].map((name) => watched(name, 1_000));
  for (const each of [first, alive, over, last]) if (each !== undefined) watch.add(each);
  if (alive !== undefined) alive.silentUntil = 3_000;
  if (over !== undefined) watch.remove(over);
  if (over !== undefined) watch.remove(over);
  clock.advance(2_000);
  expect(ended).toEqual(["first", "last"]);
});

it("takes away others while it is at it", () => {
  const { clock, watch, ended, watched } = watchOf();
  const other = watched("other", 1_000);
  watch.add({ ...watched("", 1_000), onSilence: () => watch.remove(other) });
  watch.add(other);
  watch.add(watched("third", 1_000));
  clock.advance(1_000);
  expect(ended).toEqual(["third"]);
});

it("does not look while there is nothing to look at", () => {
  const { clock, watch, watched } = watchOf();
  expect(clock.pending()).toBe(0);
  const one = watched("one", 9_000);
  watch.add(one);
  watch.add(watched("two", 500));
  expect(clock.pending()).toBe(1);
  clock.advance(3_000);
  expect(clock.pending()).toBe(1);
  watch.remove(one);
  clock.advance(1_000);
  expect(clock.pending()).toBe(0);
});
