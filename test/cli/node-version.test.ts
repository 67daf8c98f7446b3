import { expect, test } from "vitest";
import { nodeVersionFault } from "../../cli/node-version.ts";

test.each([
  ["16.20.2", true],
  ["18.20.8", true],
  ["20.0.0", true],
  ["20.9.0", true],
  ["20.18.3", true],
  ["20.19.0", false],
  ["20.20.2", false],
  ["21.7.3", false],
])("Node %s is a fault, fatal: %s", (version, fatal) => {
  expect(nodeVersionFault(version)).toEqual({ fatal, message: expect.stringContaining(`Node ${version} `) });
});

test.each(["22.0.0", "24.11.0", "26.1.0", "100.0.0"])("Node %s is none", (version) => {
  expect(nodeVersionFault(version)).toBeUndefined();
});

test("a fault says what to install", () => {
  expect([nodeVersionFault("18.0.0")?.message, nodeVersionFault("20.20.0")?.message]).toEqual([
    "Node 18.0.0 is too old; install Node 20.19 or newer, best 24",
    "Node 20.20.0 gets no security updates since April 2026; install Node 22 or newer, best 24",
  ]);
});
