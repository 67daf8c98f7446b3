#!/usr/bin/env node
// The `gatehouse` command. The only file that reads the process's environment and arguments.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { frontDoorDataFolder } from "../config/data-folder.ts";
import { systemClock } from "../core/clock.ts";
import { ConfigError, formatIssue } from "../core/config-error.ts";
import { counted } from "../core/counted.ts";
import { DEMO_PORTS, type DemoPorts } from "../dev/demo-ports.ts";
import { ADMIN_COMMANDS, type AdminCommand, OWN_OPTIONS } from "./admin-commands.ts";
import { type CommandContext, CommandFailed } from "./command.ts";
import { configCheckCommand } from "./config-command.ts";
import { frontDoorCommand } from "./front-door-command.ts";
import { gatewayCommand } from "./gateway-command.ts";
import { keysShowCommand } from "./keys-command.ts";
import { nodeVersionFault } from "./node-version.ts";
import { packageRoot } from "./package-root.ts";

const USAGE = `gatehouse: the SSO front door for AI-agent gateways

  gatehouse demo                                 everything on this machine, to try it out
  gatehouse front-door --config <front-door.json5>
  gatehouse gateway --config <gateway.json5>
  gatehouse config check --config <file> [--kind front-door|gateway]
  gatehouse keys show --config <front-door.json5>  what a gateway's configuration needs
  gatehouse --version

Of a running front door, on its host, as its system user: --config <front-door.json5> or --data <its data folder>

  gatehouse status                               what runs, which policy, which keys, what is wrong
  gatehouse sessions list [--user <user id or e-mail>] [--provider <id>]
  gatehouse sessions end <sid>
  gatehouse users end <user id or e-mail>        all sessions of a person; of everybody with that e-mail, if they are
    [--provider <id>]                            several people, or of those of one provider
  gatehouse groups end <group>                   what members of a group have open; their sessions stay
  gatehouse gateways end <gateway>[/<endpoint>]  what is open to it; clients come back by themselves
  gatehouse gateways forget-key <gateway>/<endpoint>  after its box was set up anew
  gatehouse keys rotate [--now]                  --now: the present keys count no more, an emergency
  gatehouse policy reload                        as SIGHUP and a change of the files do
  --json                   the whole answer, for scripts

Options of demo
${Object.values(DEMO_PORTS)
  .map(({ option, default: port, what }) => `  ${`${option} <port>`.padEnd(24)} ${what} (${port})`)
  .join("\n")}
  --providers <1 or 2>     2: people of a second company too, at a provider of its own (1)
  --data <folder>          what the demonstration keeps (./.gatehouse/demo)

Exit codes: 0 done, 1 it could not be done, 3 no front door is running there.
`;

class UsageError extends Error {}

async function run(argv: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parse(argv);
  if (values.version === true) return context.print(context.version);
  if (values.help === true || positionals.length === 0) return context.print(USAGE);
  const admin = ADMIN_COMMANDS.get(positionals.slice(0, 2).join(" "));
  if (admin !== undefined) return adminCommand(admin, positionals, values, context);
  const command = positionals.join(" ");
  const config = () => {
    if (typeof values.config === "string") return values.config;
    throw new UsageError(`${command} needs --config <file>`);
  };
  switch (command) {
    case "demo": {
      const { providers = "1" } = values;
      if (providers !== "1" && providers !== "2") throw new UsageError("--providers is 1 or 2");
      const asked = {
        providers: providers === "2" ? 2 : 1,
        ports: demoPorts(values),
        data: String(values.data ?? "./.gatehouse/demo"),
      } as const;
      // Loaded only here: the embedded provider is for trying out and not installed in production.
      const { demoCommand } = await import("./demo-command.ts");
      return demoCommand(context, asked);
    }
    case "front-door":
      return frontDoorCommand(context, config());
    case "gateway":
      return gatewayCommand(context, config());
    case "config check":
      if (values.kind !== "front-door" && values.kind !== "gateway")
        throw new UsageError("--kind is front-door or gateway");
      return configCheckCommand(context, values.kind, config(), systemClock.now());
    case "keys show":
      return keysShowCommand(context, config());
    default:
      throw new UsageError(`there is no command "${command}"`);
  }
}

async function adminCommand(
  { operand, options = [], run }: AdminCommand,
  positionals: readonly string[],
  values: ReturnType<typeof parse>["values"],
  { env, print }: CommandContext,
): Promise<void> {
  const [named = "", ...more] = positionals.slice(2);
  const command = positionals.slice(0, 2).join(" ");
  if (more.length > 0 || (named !== "") !== (operand !== undefined))
    throw new UsageError(`${command} takes ${operand ?? "nothing more"}`);
  for (const option of OWN_OPTIONS)
    if (values[option] !== undefined && !options.includes(option))
      throw new UsageError(`${command} takes no --${option}`);
  if (typeof values.config !== "string" && typeof values.data !== "string")
    throw new UsageError(`${command} needs --config <front-door.json5> or --data <folder>`);
  const data =
    typeof values.data === "string" ? values.data : frontDoorDataFolder(String(values.config), env);
  const { json = false, now = false } = values;
  const { user, provider } = values;
  await run({ data: resolve(data), json, now, user, provider, print }, named);
}

function parse(argv: readonly string[]) {
  const options = {
    config: { type: "string" },
    kind: { type: "string", default: "front-door" },
    data: { type: "string" },
    user: { type: "string" },
    provider: { type: "string" },
    now: { type: "boolean" },
    providers: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
    version: { type: "boolean" },
    ...Object.fromEntries(
      Object.values(DEMO_PORTS).map(({ option }) => [option.slice(2), { type: "string" as const }]),
    ),
  } as const;
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function demoPorts(values: Readonly<Record<string, unknown>>): DemoPorts {
  const ports = Object.entries(DEMO_PORTS).map(([key, { option, default: standard }]) => {
    const text = values[option.slice(2)];
    const port = text === undefined ? standard : Number(text);
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) return [key, port];
    throw new UsageError(`${option} takes a port number, 1 to 65535, not "${String(text)}"`);
  });
  return Object.fromEntries(ports) as DemoPorts;
}

const fault = nodeVersionFault(process.versions.node);
if (fault !== undefined) process.stderr.write(`gatehouse: ${fault.message}\n`);
if (fault?.fatal === true) process.exit(1);

const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
  version: string;
};
run(process.argv.slice(2), {
  env: process.env,
  isTerminal: process.stdout.isTTY === true,
  version,
  print: (line) => void process.stdout.write(`${line}\n`),
}).catch((error: unknown) => {
  if (error instanceof UsageError) process.stderr.write(`gatehouse: ${error.message}\n\n${USAGE}`);
  else if (error instanceof CommandFailed) process.stderr.write(`gatehouse: ${error.message}\n`);
  else if (error instanceof ConfigError) {
    process.stderr.write(`gatehouse: ${counted(error.issues.length, "fault")} in the configuration\n`);
    for (const issue of error.issues) process.stderr.write(`  ${formatIssue(issue)}\n`);
  } else
    process.stderr.write(
      `gatehouse: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  process.exitCode = error instanceof CommandFailed ? error.exitCode : 1;
});
