import { expect, test } from "vitest";
import { counted } from "../../core/counted.ts";

test("only one of a thing is in the singular", () => {
  expect([0, 1, 2].map((count) => counted(count, "fault"))).toEqual(["0 faults", "1 fault", "2 faults"]);
  expect([1, 2n].map((count) => counted(count, "entry", "entries"))).toEqual(["1 entry", "2 entries"]);
});
