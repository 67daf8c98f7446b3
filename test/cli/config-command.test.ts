import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { configCheckCommand } from "../../cli/config-command.ts";
import { folderWith, frontDoorWith, GATEWAY, issuesOf } from "../config/config-folder.ts";

function printedBy(kind: "front-door" | "gateway", path: string, env: Record<string, string> = {}): string[] {
  const lines: string[] = [];
  configCheckCommand(
    { env, isTerminal: false, version: "0.0.0", print: (line) => lines.push(line) },
    kind,
    path,
  );
  return lines;
}

test("a valid front door's configuration is summed up, with every file it consists of", () => {
  const path = frontDoorWith();
  const files = ["front-door.json5", "access.json5", "routes.json5"].map((name) => join(dirname(path), name));
  expect(printedBy("front-door", path)).toEqual([
    `${files.join(", ")}: valid. 2 agents, 1 gateways, 1 routes.`,
  ]);
});

test("a valid gateway's configuration is summed up", () => {
  const path = join(folderWith({ "gateway.json5": GATEWAY }), "gateway.json5");
  expect(printedBy("gateway", path)).toEqual([`${path}: valid. Gateway cloud/cloud-1, agents assistant.`]);
});

test("the environment counts as it would at start", () => {
  const path = frontDoorWith();
  expect(issuesOf(() => printedBy("front-door", path, { GATEHOUSE_PUBLIC_URL: "nowhere" }))).toMatchObject([
    { source: "GATEHOUSE_PUBLIC_URL" },
  ]);
});

test("every fault is thrown at once, and nothing printed", () => {
  const path = frontDoorWith({ frontDoor: {}, routes: { gateways: {}, routes: [{ to: "tokyo" }] } });
  const faults = issuesOf(() => printedBy("front-door", path));
  expect(faults.map(({ source }) => source)).toEqual(expect.arrayContaining(["front-door.json5"]));
  expect(faults.length).toBeGreaterThan(2);
});
