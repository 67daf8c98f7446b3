import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { parseRequestFrame } from "../../../gateway/protocol/frames.ts";

describe("request frames", () => {
  test("are read with whatever parameters they have", () => {
    const text = JSON.stringify({ type: "req", id: "1", method: "health", params: [1], extra: true });
    expect(parseRequestFrame(text)).toEqual(ok({ type: "req", id: "1", method: "health", params: [1] }));
  });

  test.each([
    ["", undefined, "not JSON"],
    ["{", undefined, "not JSON"],
    ["null", undefined, "not an object"],
    ["[]", undefined, "not an object"],
    ["7", undefined, "not an object"],
    ["{}", undefined, "no id"],
    ['{"type":"req","id":7,"method":"x"}', undefined, "no id"],
    [`{"type":"req","id":"${"x".repeat(129)}","method":"x"}`, undefined, "no id"],
    ['{"id":"1","method":"x"}', "1", 'type is not "req"'],
    ['{"type":"res","id":"1","method":"x"}', "1", 'type is not "req"'],
    ['{"type":"req","id":"1"}', "1", "no method"],
    ['{"type":"req","id":"1","method":""}', "1", "no method"],
    [`{"type":"req","id":"1","method":"x","params":${"[".repeat(2_000)}`, undefined, "too many values"],
    [`[${"0,".repeat(2_000)}0]`, undefined, "too many values"],
  ])("are refused when malformed: %s", (text, id, what) => {
    expect(parseRequestFrame(text)).toEqual(err({ id, what }));
  });

  test("may hold any text, whatever brackets, quotes and commas are in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', "\\", "[", "{", ",", "x", "é") }), (piece) => {
        const message = piece.repeat(200);
        const frame = { type: "req", id: "1", method: "chat.send", params: { message } };
        expect(parseRequestFrame(JSON.stringify(frame))).toEqual(ok(frame));
      }),
    );
  });

  test("never throw, whatever text they are", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseRequestFrame(text)));
    fc.assert(fc.property(fc.json(), (text) => void parseRequestFrame(text)));
  });
});
