// What the demonstration prints when it runs: where everything is, who can sign in, and what to try. Pure.
import { DEMO_PORTS, type DemoPorts } from "../dev/demo-ports.ts";
import { PARTNER_PEOPLE, PEOPLE, type Person } from "../dev/people.ts";
import { DEMONSTRATION_WORDS } from "../gateway/agents/demonstration.ts";

export type Welcome = {
  readonly publicUrl: string;
  readonly issuer: string;
  /** Null where there is one provider alone. */
  readonly partnerIssuer: string | null;
  readonly ports: DemoPorts;
  /** Claude answers, not the built-in agent. */
  readonly claude: boolean;
  /** The front door's, as the operator named it. */
  readonly dataFolder: string;
};

export function welcome(running: Welcome): string {
  const { publicUrl, issuer, partnerIssuer, ports, claude, dataFolder } = running;
  const words = [...DEMONSTRATION_WORDS]
    .map(([word, shows]) => `     ${word.padEnd(10)} ${shows}`)
    .join("\n");
  const alice = partnerIssuer === null ? "sign in as alice" : "choose Example Ltd, sign in as alice";
  const access = partnerIssuer === null ? "dev/config/access.json5" : "dev/config/two-providers/access.json5";
  return `
Gatehouse is running.

  front door         ${publicUrl}            (${DEMO_PORTS.port.option})
  private listener   http://127.0.0.1:${ports.privatePort}/readyz   (${DEMO_PORTS.privatePort.option})
  OpenID provider    ${issuer}            (${DEMO_PORTS.providerPort.option})${secondProvider(partnerIssuer)}
  gateway cloud      127.0.0.1:${ports.cloud1Port} cloud-1, 127.0.0.1:${ports.cloud2Port} cloud-2
  gateway berlin     127.0.0.1:${ports.berlin1Port} berlin-1, playing the box in the office

${peopleOf(partnerIssuer)}

Agents answer ${claude ? "through the Claude API." : "by a built-in demonstration agent; set ANTHROPIC_API_KEY for Claude."}

What to try

  1. Open ${publicUrl}, ${alice}, open Coder, and send${claude ? " a message." : `\n${words}`}
  2. While it answers, sign out in another tab: the chat's socket closes at once.
  3. Straight to a gateway, with forged headers:
     curl -i -H 'X-User-Id: root' http://127.0.0.1:${ports.cloud1Port}/agents/coder/whoami
  4. Sign in as dana: her assistant is on the box in Berlin. As eve: refused by name. As zoe: no agent.
  5. While alice has Coder open, take "coder" from engineering in ${access} and save.
  6. In another terminal:
     node dist/cli/gatehouse.js sessions list --data ${dataFolder}
${partnerIssuer === null ? STARTED_WITH_TWO : twoToTry(dataFolder)}

Ctrl-C stops everything.
`;
}

function secondProvider(partnerIssuer: string | null): string {
  if (partnerIssuer === null) return "";
  return ` of Example Ltd\n                     ${partnerIssuer}            (${DEMO_PORTS.provider2Port.option}) of Partner Ltd`;
}

function peopleOf(partnerIssuer: string | null): string {
  if (partnerIssuer === null) return `Who can sign in (password: demo)\n\n${lines(PEOPLE)}`;
  return `Who can sign in at Example Ltd (password: demo)

${lines(PEOPLE)}

Who can sign in at Partner Ltd, whose groups are partner/… here (password: demo)

${lines(PARTNER_PEOPLE)}`;
}

function lines(people: readonly Person[]): string {
  return people
    .map(
      ({ email, groups, gets }) =>
        `  ${email.padEnd(20)} ${groups.join(", ").padEnd(12) || "            "} ${gets}`,
    )
    .join("\n");
}

const STARTED_WITH_TWO =
  "  7. Stop it, and start it with the providers of two companies: npm start -- --providers 2";

function twoToTry(dataFolder: string): string {
  return `  7. Sign out, choose Partner Ltd, and sign in as its alice: the same e-mail, another person, and other agents.
     While both are signed in, in two browsers, end one of them:
     node dist/cli/gatehouse.js users end alice@example.com --provider partner --data ${dataFolder}`;
}
