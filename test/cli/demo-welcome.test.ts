import { expect, test } from "vitest";
import { type Welcome, welcome } from "../../cli/demo-welcome.ts";
import { DEMO_PORTS, type DemoPorts } from "../../dev/demo-ports.ts";
import { PARTNER_PEOPLE, PEOPLE } from "../../dev/people.ts";

const PORTS = Object.fromEntries(
  Object.entries(DEMO_PORTS).map(([name, { default: port }]) => [name, port]),
) as DemoPorts;

function said(changes: Partial<Welcome> = {}): string {
  return welcome({
    publicUrl: "http://localhost:8080",
    issuer: "http://localhost:8081",
    partnerIssuer: null,
    ports: PORTS,
    claude: false,
    dataFolder: "data/front-door",
    ...changes,
  });
}

const WITH_TWO = { partnerIssuer: "http://localhost:8082" };

test("the demonstration's welcome names who can sign in, and every word that its agent knows", () => {
  for (const { email } of PEOPLE) expect(said()).toContain(email);
  expect(said()).toContain(`sign in as alice, open Coder, and send
     whoami     who the gateway was told you are
     where      which machine answers
     slow       a long answer, to try stop and reload
     markdown   an answer with headings, lists, a table and code
  2. While it answers, sign out in another tab`);
});

test("where Claude answers, no word of the built-in agent's is named", () => {
  expect(said({ claude: true })).toContain("open Coder, and send a message.\n  2. While it answers");
  expect(said({ claude: true })).not.toContain("markdown");
});

test("with one provider nothing is said of the other company but how to have it", () => {
  expect(
    said()
      .split("\n")
      .filter((line) => /8082|Ltd|second|--providers|partner/.test(line)),
  ).toEqual(["  7. Stop it, and start it with the providers of two companies: npm start -- --providers 2"]);
});

test("with two providers both are named, each with its people, and what to try with them", () => {
  const text = said(WITH_TWO);
  expect(text).toContain(`
  OpenID provider    http://localhost:8081            (--provider-port) of Example Ltd
                     http://localhost:8082            (--provider-2-port) of Partner Ltd
`);
  const [, ours = "", theirs = ""] = text.split("Who can sign in at");
  expect(ours).toMatch(/^ Example Ltd \(password: demo\)/);
  for (const { email, gets } of PEOPLE) expect(ours).toMatch(new RegExp(`${email} .*${gets}`));
  expect(theirs).toMatch(/^ Partner Ltd, whose groups are partner\/… here \(password: demo\)/);
  for (const { email, gets } of PARTNER_PEOPLE) expect(theirs).toMatch(new RegExp(`${email} .*${gets}`));
  expect(text).toContain(", choose Example Ltd, sign in as alice, open Coder");
  expect(text).toContain('take "coder" from engineering in dev/config/two-providers/access.json5 and save');
  expect(text).toContain("users end alice@example.com --provider partner --data data/front-door");
  expect(text).not.toContain("Stop it, and start it");
});
