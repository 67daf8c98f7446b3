import { expect, test } from "vitest";
import { ConfigError, formatIssue } from "../../core/config-error.ts";

const INSIDE = {
  source: "routes.json5",
  path: "routes[2].to",
  found: '"cloude"',
  expected: 'a gateway: cloud, berlin; did you mean "cloud"?',
};
const WHOLE = { source: "GATEHOUSE_PORT", path: "", found: "no number", expected: "a port number" };

test("an issue is one line: place, what was found, what is expected", () => {
  expect(formatIssue(INSIDE)).toBe(
    'routes.json5: routes[2].to: found "cloude"; expected a gateway: cloud, berlin; did you mean "cloud"?',
  );
});

test("an issue of a whole file or variable names only that", () => {
  expect(formatIssue(WHOLE)).toBe("GATEHOUSE_PORT: found no number; expected a port number");
});

test("a configuration error holds every issue, and says each on a line of its own", () => {
  const error = new ConfigError([INSIDE, WHOLE]);
  expect(error.issues).toEqual([INSIDE, WHOLE]);
  expect(error.name).toBe("ConfigError");
  expect(error.message).toBe(`${formatIssue(INSIDE)}\n${formatIssue(WHOLE)}`);
});
