import { expect, it } from "vitest";
import { PEOPLE } from "../../dev/people.ts";

it("the demonstration people are those of the documentation, with names of their own at the provider", () => {
  expect(PEOPLE.map(({ sub, email, groups }) => [sub, email, groups])).toEqual([
    ["demo-alice", "alice@example.com", ["engineering"]],
    ["demo-bob", "bob@example.com", ["finance"]],
    ["demo-dana", "dana@example.com", ["field"]],
    ["demo-ivy", "ivy@example.com", ["it"]],
    ["demo-omar", "omar@example.com", ["platform"]],
    ["demo-eve", "eve@example.com", ["engineering"]],
    ["demo-zoe", "zoe@example.com", []],
  ]);
});
