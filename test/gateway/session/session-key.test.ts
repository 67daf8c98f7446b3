import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { parseSessionKey, sessionKeyOf } from "../../../gateway/session/session-key.ts";
import { agentId } from "../../support/assertion-fixture.ts";

const CODER = agentId("coder");
const read = (text: string) => parseSessionKey(text, CODER);

describe("session keys", () => {
  test.each([
    ["main", "agent:coder:main"],
    ["  Main\n", "agent:coder:main"],
    ["AGENT:Assistant:Notes", "agent:assistant:notes"],
    ["agent:assistant:a:b", "agent:assistant:a:b"],
    ["a:b", "agent:coder:a:b"],
    ["agents", "agent:coder:agents"],
    ["..", "agent:coder:.."],
    ["agent:coder:agent:x:y", "agent:coder:agent:x:y"],
    ["x".repeat(116), `agent:coder:${"x".repeat(116)}`],
  ])("reads %j as %s", (text, key) => {
    const parsed = read(text);
    expect(parsed.ok && sessionKeyOf(parsed.value)).toBe(key);
  });

  test.each([
    ["", "letters, digits and : . _ - only"],
    ["a/b", "letters, digits and : . _ - only"],
    ["a\0b", "letters, digits and : . _ - only"],
    ["\u212Aey", "letters, digits and : . _ - only"],
    ["agent:", "agent:<id>:<name>"],
    ["agent:coder", "agent:<id>:<name>"],
    ["agent:coder:", "agent:<id>:<name>"],
    ["agent::main", "agent:<id>:<name> with a valid agent id"],
    ["agent:..:main", "agent:<id>:<name> with a valid agent id"],
    ["x".repeat(117), "at most 128 characters as agent:<id>:<name>"],
  ])("refuses %j", (text, expected) => {
    expect(read(text)).toEqual(err(expected));
  });

  test("reads every key that it answers as the same session again", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."agent:AGENT.._-x9 ") }), (text) => {
        const parsed = read(text);
        if (parsed.ok) expect(read(sessionKeyOf(parsed.value))).toEqual(ok(parsed.value));
      }),
    );
  });
});
