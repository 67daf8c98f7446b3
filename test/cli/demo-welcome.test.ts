import { expect, test } from "vitest";
import { welcome } from "../../cli/demo-command.ts";
import { DEMO_PORTS, type DemoPorts } from "../../dev/demo-ports.ts";
import { PEOPLE } from "../../dev/people.ts";

const PORTS = Object.fromEntries(
  Object.entries(DEMO_PORTS).map(([name, { default: port }]) => [name, port]),
) as DemoPorts;

function said(claude: boolean): string {
  return welcome("http://localhost:8080", "http://localhost:8081", PORTS, claude, "data/front-door");
}

test("the demonstration's welcome names who can sign in, and every word that its agent knows", () => {
  for (const { email } of PEOPLE) expect(said(false)).toContain(email);
  expect(said(false)).toContain(`open Coder, and send
     whoami     who the gateway was told you are
     where      which machine answers
     slow       a long answer, to try stop and reload
     markdown   an answer with headings, lists, a table and code
  2. While it answers, sign out in another tab`);
});

test("where Claude answers, no word of the built-in agent's is named", () => {
  expect(said(true)).toContain("open Coder, and send a message.\n  2. While it answers");
  expect(said(true)).not.toContain("markdown");
});
