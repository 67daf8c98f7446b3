import { expect, test } from "vitest";
import { plainList, plainName } from "../../core/plain-name.ts";

test.each([
  ["engineering", "engineering"],
  ["Zoë 👩‍👩‍👧 فريق", "Zoë 👩‍👩‍👧 فريق"],
  ["a\u202eb", "a[U+202E]b"],
  ["a\0\nb", "a[U+0000][U+000A]b"],
  ["\ud800", "[U+D800]"],
  ["\u2028\u2066", "[U+2028][U+2066]"],
  ["x".repeat(121), `${"x".repeat(120)}…`],
])("%j stands in a sentence as %j", (name, plain) => {
  expect(plainName(name)).toBe(plain);
});

test("a long list is cut, and says by how much", () => {
  expect(plainList(["a", "b"])).toBe("a, b");
  expect(plainList(Array.from({ length: 14 }, (_, index) => `g${index}`))).toBe(
    "g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11 and 2 more",
  );
});
