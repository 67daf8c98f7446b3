import { expect, test } from "vitest";
import { interpolate, referredVariables } from "../../config/interpolate.ts";
import { reference } from "./config-folder.ts";

const env = { HOST: "h", EMPTY: "", NESTED: reference("HOST") };
const NOWHERE = new Set<string>();
const NAME = reference("HOST");

test.each([
  [NAME, "h"],
  [`a${NAME}b${NAME}`, "ahbh"],
  [reference("EMPTY"), ""],
  [`$${NAME}`, NAME],
  [`$$${NAME}`, `$${NAME}`],
  [reference("NESTED"), NAME],
  ["$HOST", "$HOST"],
  ["{HOST} }", "{HOST} }"],
  ["$", "$"],
])("%s becomes %s", (text, value) => {
  expect(interpolate({ key: [text] }, env, NOWHERE).value).toEqual({ key: [value] });
});

test("hides exactly the places that hold a variable's value", () => {
  const tree = { a: NAME, b: [`$${NAME}`, `x${NAME}`], c: 1, d: null };
  expect([...interpolate(tree, env, NOWHERE).hidden]).toEqual(["a", "b[1]"]);
});

test("leaves keys as they are", () => {
  expect(interpolate({ [NAME]: 1 }, env, NOWHERE).value).toEqual({ [NAME]: 1 });
});

test("a variable that is not set leaves no value and is named", () => {
  expect(interpolate({ a: `x${reference("GONE")}` }, env, NOWHERE)).toEqual({
    value: { a: undefined },
    hidden: new Set(["a"]),
    faults: [
      {
        path: ["a"],
        found: `${reference("GONE")}, which is not set`,
        expected: "the variable GONE to be set",
      },
    ],
  });
});

test.each(["constructor", "toString", "__proto__"])(
  "what every object inherits is no variable: %s",
  (name) => {
    expect(interpolate([reference(name)], env, NOWHERE).value).toEqual([undefined]);
  },
);

test.each(["{", "{}", "{A-B}", "{1A}", "{ HOST }", "{HOST"].map((rest) => `a$${rest}`))(
  "an unfinished reference is a fault that shows nothing of the text: %s",
  (text) => {
    expect(interpolate(text, env, NOWHERE).faults).toEqual([
      {
        path: [],
        found: "an unfinished reference: $, { and no name with }",
        expected: "$, {, the name of a variable and }; with a second $ before it, it is text",
      },
    ]);
  },
);

test("says which variables a text refers to", () => {
  expect(referredVariables(`{ a: "${NAME}", b: "$${reference("NOT")}", c: "${reference("C")}" }`)).toEqual([
    "HOST",
    "C",
  ]);
});
