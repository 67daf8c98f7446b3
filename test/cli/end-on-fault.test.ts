import { expect, test } from "vitest";
import { placeOf } from "../../cli/end-on-fault.ts";

test("a fault is told by its name, its code and its place, never by its message", () => {
  const fault = new RangeError("a secret\n    at a place of somebody's choice");
  Object.assign(fault, { code: "ERR_ODD" });
  const told = placeOf(fault);
  expect(told).toEqual({ fault: "RangeError ERR_ODD", at: expect.any(Array) });
  expect(told.at[0]).toMatch(/end-on-fault\.test\.ts:\d+:\d+\)?$/);
  expect(JSON.stringify(told)).not.toMatch(/secret|choice/);
});

test("a fault without a stack is told by its name alone", () => {
  const fault = new Error("a secret");
  delete fault.stack;
  expect(placeOf(fault)).toEqual({ fault: "Error", at: [] });
});

test.each(["a secret", { token: "a secret" }, null, undefined, 7])(
  "what is no error (%j) is not told",
  (thrown) => {
    expect(placeOf(thrown)).toEqual({ fault: typeof thrown, at: [] });
  },
);
