import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DENIAL_SAMPLES } from "../../dev/denial-samples.ts";
import { ERROR_REFERENCE_PATH, errorReference } from "../../dev/error-reference.ts";

/** The codes as core/denial.ts spells them: the type itself is gone when this runs. */
function codesOf(path: string, pattern: RegExp): string[] {
  return [...readFileSync(path, "utf8").matchAll(pattern)].map((match) => match[1] ?? "");
}

test("docs/errors.md is what `node dist/dev/error-reference.js` makes", () => {
  expect(readFileSync(ERROR_REFERENCE_PATH, "utf8")).toBe(errorReference());
});

test("the union, the switch, the samples and docs/errors.md have the same codes", () => {
  const inUnion = codesOf("core/denial.ts", /readonly code: "(\w+)"/g);
  expect(inUnion.length).toBeGreaterThan(40);
  expect(new Set(inUnion).size).toBe(inUnion.length);
  expect(codesOf("core/denial-answer.ts", /case "(\w+)":/g)).toEqual(inUnion);
  expect(Object.keys(DENIAL_SAMPLES)).toEqual(inUnion);
  expect(codesOf(ERROR_REFERENCE_PATH, /^\| `(\w+)` \|/gm)).toEqual(inUnion);
});

test("every sample is of the code that it stands for", () => {
  expect(Object.values(DENIAL_SAMPLES).map(({ code }) => code)).toEqual(Object.keys(DENIAL_SAMPLES));
});
