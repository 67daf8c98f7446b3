import { expect, test } from "vitest";
import { knownNames, nearestName } from "../../config/nearest-name.ts";

test.each([
  ["clientsecret", "clientSecret"],
  ["assistent", "assistant"],
  ["asistant", "assistant"],
  ["kodder", "coder"],
  ["idel", "idle"],
  ["lied", undefined],
  ["banana", undefined],
  ["", undefined],
])("of the known names, %s is nearest to %s", (found, expected) => {
  expect(nearestName(found, ["assistant", "coder", "clientSecret", "idle"])).toBe(expected);
});

test("lists all names only when they are few", () => {
  const many = Array.from({ length: 13 }, (_, index) => `agent-${index}`);
  expect(knownNames("zzz", ["a", "b"])).toBe(" (known: a, b)");
  expect(knownNames("zzz", [])).toBe(" (there are none)");
  expect(knownNames("agent-x", many)).toBe(", did you mean agent-0?");
});
