import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { configurationFiles } from "../../config/configuration-files.ts";
import { frontDoorDataFolder } from "../../config/data-folder.ts";
import { loadFrontDoor } from "../../config/load.ts";
import { policyOfTexts } from "../../config/policy-files.ts";
import {
  ACCESS,
  FRONT_DOOR,
  folderWith,
  frontDoorWith,
  issuesOf,
  ROUTES,
  reference,
} from "./config-folder.ts";

function started(path: string, env: Record<string, string> = {}) {
  return configurationFiles(path, env, loadFrontDoor(path, env));
}

describe("the files of a running front door", () => {
  it("are read again each time", () => {
    const path = frontDoorWith();
    const files = started(path);
    const folder = dirname(path);
    expect(files.paths).toEqual([path, join(folder, "access.json5"), join(folder, "routes.json5")]);
    expect(files.policy().access.groups.size).toBe(1);
    writeFileSync(join(folder, "access.json5"), JSON.stringify({ ...ACCESS, groups: {} }));
    expect(files.policy().access.groups.size).toBe(0);
    writeFileSync(path, JSON.stringify({ ...FRONT_DOOR, contact: "Ivy" }));
    expect(files.config().contact).toBe("Ivy");
  });

  it("of the policy are the two that it was started with, whatever the front door's own says now", () => {
    const path = frontDoorWith();
    const files = started(path);
    writeFileSync(path, "{ broken");
    expect(files.policy().access.groups.size).toBe(1);
    expect(issuesOf(() => files.config())).toEqual([expect.objectContaining({ source: "front-door.json5" })]);
  });

  it("have all their faults thrown together", () => {
    const path = frontDoorWith();
    const files = started(path);
    rmSync(join(dirname(path), "access.json5"));
    writeFileSync(join(dirname(path), "routes.json5"), JSON.stringify({ ...ROUTES, routs: [] }));
    expect(issuesOf(() => files.policy()).map(({ source }) => source)).toEqual([
      "access.json5",
      "routes.json5",
    ]);
  });
});

describe("the texts of a policy", () => {
  it("say the same when only comments, order of lines or variables' names differ", () => {
    const path = frontDoorWith({ routes: routesTo(reference("PORT_A")) });
    const env = { PORT_A: "https://10.0.1.10:18789", PORT_B: "https://10.0.1.10:18789" };
    const files = started(path, env);
    const before = files.policy();
    writeFileSync(
      join(dirname(path), "routes.json5"),
      `// a comment\n${JSON.stringify(routesTo(reference("PORT_B")), null, 2)}`,
    );
    expect(files.policy().texts).toEqual(before.texts);
  });

  it("make the same policy again without the environment, whatever it had put into them", () => {
    const name = `Helps with ${"$$"}{this} and ${reference("SAID")}`;
    const access = { ...ACCESS, agents: { ...ACCESS.agents, coder: { name } } };
    const files = started(frontDoorWith({ access }), { SAID: `${reference("THAT")} $${reference("X")}` });
    const { texts, ...policy } = files.policy();
    expect([...policy.access.agents.values()].map((agent) => agent.name)).toContain(
      `Helps with ${reference("this")} and ${reference("THAT")} $${reference("X")}`,
    );
    expect(policyOfTexts(texts)).toEqual(policy);
  });

  it("are faulted like a file", () => {
    const texts = { access: "{}", routes: JSON.stringify({ gateways: {}, routes: [{ to: "tokyo" }] }) };
    expect(issuesOf(() => policyOfTexts(texts)).map(({ source }) => source)).toContain(
      "the stored policy, routes",
    );
  });
});

function routesTo(url: string) {
  return { ...ROUTES, gateways: { cloud: { endpoints: { "cloud-1": url } } } };
}

describe("the data folder of a front door", () => {
  test("is told by its file, from that file's folder", () => {
    const path = frontDoorWith({ frontDoor: { ...FRONT_DOOR, data: "state" } });
    expect(frontDoorDataFolder(path, {})).toBe(join(dirname(path), "state"));
    expect(frontDoorDataFolder(frontDoorWith(), {})).toMatch(/\/\.gatehouse\/front-door$/);
  });

  test("is told while everything else is broken: that is when a status is asked for", () => {
    const folder = folderWith({
      "front-door.json5": { data: "/var/lib/gatehouse", limits: 7, provider: reference("UNSET") },
    });
    expect(frontDoorDataFolder(join(folder, "front-door.json5"), {})).toBe("/var/lib/gatehouse");
  });

  test("may be the environment's", () => {
    expect(frontDoorDataFolder(frontDoorWith(), { GATEHOUSE_DATA: "/var/lib/gatehouse" })).toBe(
      "/var/lib/gatehouse",
    );
    expect(frontDoorDataFolder("/nowhere/front-door.json5", { GATEHOUSE_DATA: "/var/lib/x" })).toBe(
      "/var/lib/x",
    );
  });

  test.each([
    ["no number", { data: 7 }, ["data"]],
    ["a variable that is not set", { data: reference("UNSET") }, ["data"]],
    ["text that is no JSON5", "{ data:", [""]],
  ])("is never guessed from %s", (_what, frontDoor, paths) => {
    const path = frontDoorWith({ frontDoor });
    expect(issuesOf(() => frontDoorDataFolder(path, {})).map(({ path }) => path)).toEqual(paths);
  });
});
