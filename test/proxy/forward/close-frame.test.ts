import fc from "fast-check";
import { expect, test } from "vitest";
import { closeFrame } from "../../../proxy/forward/close-frame.ts";

function reasonOf(frame: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(frame.subarray(4));
}

test("a close frame is final, unmasked, and holds code and reason", () => {
  expect(closeFrame(1008, "signed out")).toEqual(Buffer.from("\x88\x0c\x03\xf0signed out", "latin1"));
  expect(closeFrame(1012, "")).toEqual(Buffer.from([0x88, 2, 0x03, 0xf4]));
});

test.each([
  ["a".repeat(123), "a".repeat(123)],
  ["a".repeat(124), "a".repeat(123)],
  ["ë".repeat(62), "ë".repeat(61)],
  [`${"a".repeat(122)}ë`, "a".repeat(122)],
  [`${"a".repeat(121)}ë`, `${"a".repeat(121)}ë`],
  ["😀".repeat(40), "😀".repeat(30)],
])("a reason of %j is cut to whole characters", (reason, cut) => {
  expect(reasonOf(closeFrame(1008, reason))).toBe(cut);
});

test("any reason makes a valid frame with as much of it as fits", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (reason) => {
      const frame = closeFrame(1008, reason);
      expect([...frame.subarray(0, 4)]).toEqual([0x88, frame.length - 2, 0x03, 0xf0]);
      expect(frame.length - 2).toBeLessThanOrEqual(125);
      expect(reason.startsWith(reasonOf(frame))).toBe(true);
      expect(Buffer.byteLength(reason) <= 123).toBe(reasonOf(frame) === reason);
    }),
  );
});
