import { describe, expect, test } from "vitest";
import type { ChatMessage } from "../../../core/gateway-protocol.ts";
import { labelFrom, titleFrom } from "../../../gateway/session/session-title.ts";

function question(text: string): ChatMessage {
  return { id: "m", role: "user", content: [{ type: "text", text }], timestamp: 1, runId: "r" };
}

describe("a session's name", () => {
  test.each([
    ["Plans", "Plans"],
    ["  Plans\nfor\t\tMay ", "Plans for May"],
    ["a\0b\u001b[31mc\u0085d\u2028e", "a b [31mc d e"],
    ["👩‍👩‍👧 <b>\u202e", "👩‍👩‍👧 <b>\u202e"],
    [" \n ", null],
    ["", null],
  ])("%j is kept as the one line %j", (text, label) => {
    expect(labelFrom(text)).toBe(label);
  });
});

describe("a session's derived title", () => {
  test("is how its first question begins, in one line", () => {
    expect(titleFrom(question("How do I\n\nbegin?"))).toBe("How do I begin?");
    expect(titleFrom(question("x".repeat(80)))).toBe("x".repeat(80));
    expect(titleFrom(question(`${"x".repeat(80)}y`))).toBe(`${"x".repeat(79)}…`);
  });

  test("never cuts a character in two", () => {
    expect(titleFrom(question("👍".repeat(100)))).toBe(`${"👍".repeat(79)}…`);
  });

  test("is not taken from an answer, nor from nothing", () => {
    expect(titleFrom({ ...question("Hello"), role: "assistant" })).toBeNull();
    expect(titleFrom(question("\0\0"))).toBeNull();
    expect(titleFrom({ ...question(""), content: [] })).toBeNull();
  });
});
