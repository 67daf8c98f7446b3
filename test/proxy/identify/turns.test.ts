import { expect, it } from "vitest";
import { createTurns } from "../../../proxy/identify/turns.ts";
import { settled } from "./refresh-fixture.ts";

it("runs so many jobs at once, the others in order, and goes on after one that fails", async () => {
  const inTurn = createTurns(2);
  const started: number[] = [];
  const finish: ((failure?: Error) => void)[] = [];
  const results = [0, 1, 2, 3].map((job) =>
    inTurn(
      () =>
        new Promise<number>((resolve, reject) => {
          started.push(job);
          finish[job] = (failure) => (failure === undefined ? resolve(job) : reject(failure));
        }),
    ),
  );
  const outcomes = Promise.allSettled(results);
  await settled();
  expect(started).toEqual([0, 1]);
  finish[1]?.(new Error("failed"));
  await settled();
  expect(started).toEqual([0, 1, 2]);
  finish[2]?.();
  finish[0]?.();
  await settled();
  expect(started).toEqual([0, 1, 2, 3]);
  finish[3]?.();
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
});
