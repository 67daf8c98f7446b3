import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { headerList, headerText } from "../../../proxy/assert/header-text.ts";

/** Text as it may stand between the ends of a header value: nothing that a parser trims, splits or refuses. */
const HEADER_VALUE = /^$|^[\x21-\x7e]$|^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/;
/** Whole characters only: half a surrogate pair has no bytes, so it cannot come back. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(" ", ",", "%", "\r", "\n", "\u0000", "é", "😀"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});

describe("header text", () => {
  test.each([
    ["Alice Archer", "Alice Archer"],
    ["", ""],
    ["alice+x@example.com", "alice+x@example.com"],
    ["staff,admins", "staff,admins"],
    ["Zoë", "Zo%C3%AB"],
    ["😀", "%F0%9F%98%80"],
    ["100%", "100%25"],
    ["%0d%0a", "%250d%250a"],
    ["Zoë\r\nX-Forwarded-User: root", "Zo%C3%AB%0D%0AX-Forwarded-User: root"],
    ["a\tb\u0000c\u007f", "a%09b%00c%7F"],
    [" alice ", "%20alice%20"],
    ["   ", "%20%20%20"],
    ["\u00a0alice\u2028", "%C2%A0alice%E2%80%A8"],
    ["half \ud83d", "half %EF%BF%BD"],
    ["\ude00 half", "%EF%BF%BD half"],
  ])("of %j is %j", (text, header) => {
    expect(headerText(text)).toBe(header);
  });

  it("is read back with decodeURIComponent, whatever it was, and can start no header of its own", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const header = headerText(text);
        expect(header).toMatch(HEADER_VALUE);
        expect(decodeURIComponent(header)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it("is safe even for text that is no text", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        expect(headerText(String.fromCharCode(...units))).toMatch(HEADER_VALUE);
      }),
    );
  });
});

describe("a header list", () => {
  test.each([
    [[], ""],
    [["engineering"], "engineering"],
    [["engineering", "on call"], "engineering,on call"],
    [["staff,admins", "x"], "staff%2Cadmins,x"],
    [[" admins", "admins "], "%20admins,admins%20"],
    [["admins\u200b", "\u212a"], "admins%E2%80%8B,%E2%84%AA"],
    [["a%2Cb"], "a%252Cb"],
  ])("of %j is %j", (items, header) => {
    expect(headerList(items)).toBe(header);
  });

  it("is read back by splitting at commas, trimming and decoding, whatever was in it", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (items) => {
        const header = headerList(items);
        expect(header).toMatch(/^[\x20-\x7e]*$/);
        expect(header.split(",").map((item) => decodeURIComponent(item.trim()))).toEqual(items);
      }),
      { numRuns: 500 },
    );
  });
});
