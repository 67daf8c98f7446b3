import { expect, it } from "vitest";
import { PARTNER_PEOPLE, PEOPLE } from "../../dev/people.ts";

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

it("the second company has somebody with subject and e-mail of one of the first's", () => {
  expect(PARTNER_PEOPLE.map(({ sub, email, groups }) => [sub, email, groups])).toEqual([
    ["partner-pat", "pat@partner.example", ["engineering"]],
    ["demo-alice", "alice@example.com", ["auditors"]],
  ]);
});
