// `gatehouse demo` (npm start): everything on this machine, and a page of text that says what to try.
import { join, resolve } from "node:path";
import { systemClock } from "../core/clock.ts";
import { startDemo } from "../dev/demo.ts";
import { checkDemoPorts, DEMO_PORTS, type DemoPorts } from "../dev/demo-ports.ts";
import { PEOPLE } from "../dev/people.ts";
import { DEMONSTRATION_WORDS } from "../gateway/agents/demonstration.ts";
import type { CommandContext } from "./command.ts";
import { endOnFault } from "./end-on-fault.ts";
import { packageRoot, webFolder } from "./package-root.ts";
import { terminalLog } from "./terminal-log.ts";
import { untilSignal } from "./until-signal.ts";

export async function demoCommand(context: CommandContext, ports: DemoPorts, data: string): Promise<void> {
  const { env, isTerminal, print, version } = context;
  await checkDemoPorts(ports);
  const logFor = terminalLog("warn", isTerminal);
  endOnFault(logFor("demonstration"));
  const demo = await startDemo({
    ports,
    data: resolve(data),
    configFolder: join(packageRoot(), "dev", "config"),
    webFolder: webFolder(),
    anthropicApiKey: env["ANTHROPIC_API_KEY"],
    version,
    clock: systemClock,
    logFor,
  });
  print(
    welcome(
      demo.publicUrl,
      demo.issuer,
      ports,
      env["ANTHROPIC_API_KEY"] !== undefined,
      join(data, "front-door"),
    ),
  );
  await untilSignal(demo.close, demo.frontDoor.reloadPolicy);
  print("Stopped.");
}

export function welcome(
  publicUrl: string,
  issuer: string,
  ports: DemoPorts,
  claude: boolean,
  dataFolder: string,
): string {
  const people = PEOPLE.map(
    ({ email, groups, gets }) =>
      `  ${email.padEnd(20)} ${groups.join(", ").padEnd(12) || "            "} ${gets}`,
  );
  const words = [...DEMONSTRATION_WORDS]
    .map(([word, shows]) => `     ${word.padEnd(10)} ${shows}`)
    .join("\n");
  return `
Gatehouse is running.

  front door         ${publicUrl}            (${DEMO_PORTS.port.option})
  private listener   http://127.0.0.1:${ports.privatePort}/readyz   (${DEMO_PORTS.privatePort.option})
  OpenID provider    ${issuer}            (${DEMO_PORTS.providerPort.option})
  gateway cloud      127.0.0.1:${ports.cloud1Port} cloud-1, 127.0.0.1:${ports.cloud2Port} cloud-2
  gateway berlin     127.0.0.1:${ports.berlin1Port} berlin-1, playing the box in the office

Who can sign in (password: demo)

${people.join("\n")}

Agents answer ${claude ? "through the Claude API." : "by a built-in demonstration agent; set ANTHROPIC_API_KEY for Claude."}

What to try

  1. Open ${publicUrl}, sign in as alice, open Coder, and send${claude ? " a message." : `\n${words}`}
  2. While it answers, sign out in another tab: the chat's socket closes at once.
  3. Straight to a gateway, with forged headers:
     curl -i -H 'X-User-Id: root' http://127.0.0.1:${ports.cloud1Port}/agents/coder/whoami
  4. Sign in as dana: her assistant is on the box in Berlin. As eve: refused by name. As zoe: no agent.
  5. While alice has Coder open, take "coder" from engineering in dev/config/access.json5 and save.
  6. In another terminal:
     node dist/cli/gatehouse.js sessions list --data ${dataFolder}

Ctrl-C stops everything.
`;
}
