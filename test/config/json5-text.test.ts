import { describe, expect, test } from "vitest";
import { parseJson5 } from "../../config/json5-text.ts";

describe("the text of a file", () => {
  test("may be everything that JSON5 allows", () => {
    const text = `// a comment with { "quotes" : and braces
      { plain: 'it\\'s "so" // no comment', "quoted: key": [1, .5, +2, 0xff,], /* { */ last: "a\\
b", }`;
    expect(parseJson5(text)).toEqual({
      readable: true,
      value: { plain: 'it\'s "so" // no comment', "quoted: key": [1, 0.5, 2, 255], last: "ab" },
      faults: [],
    });
  });

  test("has its syntax errors named by line and column", () => {
    expect(parseJson5("{\n  a: 1,\n  b: ]\n}")).toEqual({
      readable: false,
      faults: [
        {
          path: [],
          found: "a syntax error in line 3, column 6: invalid character ']'",
          expected: "JSON5",
        },
      ],
    });
  });

  test.each([
    ["the same", "{ a: { b: 1, b: 2 } }", ["a", "b"]],
    ["quoted once", "{ a: { b: 1, 'b': 2 } }", ["a", "b"]],
    ["escaped once", '{ a: { b: 1, "\\u0062": 2 } }', ["a", "b"]],
    ["an escaped identifier once", "{ a: { b: 1, \\u0062: 2 } }", ["a", "b"]],
    ["apart by a comment", "{ a: { b: 1, b /* : */ : 2 } }", ["a", "b"]],
    ["inside a list", "[0, { c: [[], { d: 1, d: 2 }] }]", [1, "c", 1, "d"]],
    ["after a nested object", "{ a: { a: 1 }, a: 2 }", ["a"]],
  ])("must not have two keys that are equal: %s", (_, text, path) => {
    expect(parseJson5(text).faults).toEqual([{ path, found: "the same key again", expected: "it once" }]);
  });

  test("may have equal keys in different objects, and texts that look like keys", () => {
    expect(parseJson5('{ a: { a: "a:" }, b: [{ a: 1 }, { a: 2 }], c: "a", d: ":" }').faults).toEqual([]);
  });

  test.each(["{ __proto__: { admin: true } }", '{ "__proto__": 1 }', "{ '\\u005f_proto__': 1 }"])(
    "must not have a key __proto__: %s",
    (text) => {
      expect(parseJson5(text).faults).toEqual([
        { path: ["__proto__"], found: "a reserved key", expected: "another name" },
      ]);
      expect(Reflect.get({}, "admin")).toBeUndefined();
    },
  );

  test("has at most 32 levels", () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(parseJson5(nested(32)).readable).toBe(true);
    expect(parseJson5(nested(100_000))).toEqual({
      readable: false,
      faults: [{ path: [], found: "more than 32 levels of objects and lists", expected: "fewer" }],
    });
  });
});
