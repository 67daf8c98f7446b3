// The configuration of the demonstration with two providers is that of one, and what the second company adds.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import JSON5 from "json5";
import { expect, it } from "vitest";
import { TWO_PROVIDERS } from "../../dev/demo.ts";

type Written = Record<string, Record<string, unknown>>;

function read(...path: readonly string[]): Written {
  return JSON5.parse(readFileSync(join("dev", "config", ...path), "utf8"));
}

it("grants what the files of one provider grant, and more to groups of the partner's alone", () => {
  const [one, two] = [read("access.json5"), read(TWO_PROVIDERS, "access.json5")];
  const { groups, ...rest } = two;
  const isPartners = ([group]: [string, unknown]) => group.startsWith("partner/");
  const others = Object.entries(groups ?? {}).filter((entry) => !isPartners(entry));
  expect({ ...rest, groups: Object.fromEntries(others) }).toEqual(one);
});

it("sets the front door up as the file of one provider does, but for what several providers need", () => {
  const [one, two] = [read("front-door.json5"), read(TWO_PROVIDERS, "front-door.json5")];
  const { demo, partner } = two["providers"] as Written;
  const { emailDomains, name, ...asBefore } = demo ?? {};
  expect([emailDomains, name]).toEqual([["example.com"], "Example Ltd"]);
  const before = (one["providers"] as Written)["demo"];
  expect({ ...two, providers: { demo: { ...asBefore, name: before?.["name"] } } }).toEqual({
    ...one,
    policy: { access: "access.json5", routes: "../routes.json5" },
  });
  expect(partner).toMatchObject({ emailDomains: ["partner.example"], groups: { prefix: "partner/" } });
});
