import { expect, it } from "vitest";
import { err, ok } from "../../core/result.ts";
import { claimedIssuer } from "../../token-exchange/claimed-issuer.ts";
import { compactJws } from "../support/provider-fixture.ts";

const SIDES = new Map([
  ["https://a.example", "a"],
  ["https://a.example/", "b"],
]);
const token = (claims: object) => compactJws({ alg: "RS256" }, claims, "c2ln");

it.each([
  ["https://a.example", "a"],
  ["https://a.example/", "b"],
])("a token is for the provider of the issuer that it claims, byte for byte: %s", (iss, side) => {
  expect(claimedIssuer(token({ iss }), SIDES)).toEqual(ok(side));
});

it.each([
  "https://A.example",
  "https://a.example//",
  "",
  " https://a.example",
  null,
  ["https://a.example"],
  {},
  undefined,
])("a token of %j is for none", (iss) => {
  expect(claimedIssuer(token({ iss }), SIDES)).toEqual(err("wrong_issuer"));
});

it.each([
  "",
  "opaque",
  "a.b",
  "a.b.c",
  "a..c",
  compactJws({}, ["https://a.example"], "c2ln"),
  `${token({})}.d`,
])("what is no token at all is for none: %s", (text) => {
  expect(claimedIssuer(text, SIDES)).toEqual(err("malformed"));
});

it("a token that is too long is not even read", () => {
  const long = token({ iss: "https://a.example", padding: "x".repeat(16 * 1024) });
  expect(claimedIssuer(long, SIDES)).toEqual(err("malformed"));
});
