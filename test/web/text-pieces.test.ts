import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { piecesOf } from "../../web/chat/text-pieces.ts";

describe("a very long text", () => {
  it("is one piece while it is not very long", () => {
    expect(piecesOf("x".repeat(8_000))).toEqual(["x".repeat(8_000)]);
    expect(piecesOf("")).toEqual([""]);
  });

  it("is cut behind line breaks where there are any", () => {
    const line = `${"x".repeat(2_999)}\n`;
    expect(piecesOf(line.repeat(4))).toEqual([line, line, line, line]);
  });

  it("is cut anywhere else, but never inside a character", () => {
    const pieces = piecesOf(`x${"👍".repeat(5_000)}`);
    expect(pieces.map(({ length }) => length)).toEqual([3_999, 4_000, 2_002]);
    expect(pieces.some((piece) => /\p{Cs}/u.test(piece))).toBe(false);
  });

  it("keeps every character, in pieces of a bounded length", () => {
    const text = fc
      .array(fc.string({ unit: "grapheme", maxLength: 3_000 }), { maxLength: 12 })
      .map((parts) => parts.join("\n").repeat(6));
    fc.assert(
      fc.property(text, (whole) => {
        const pieces = piecesOf(whole);
        expect(pieces.join("")).toBe(whole);
        expect(pieces.length === 1 || pieces.every(({ length }) => length > 0 && length <= 4_000)).toBe(true);
      }),
    );
  });
});
