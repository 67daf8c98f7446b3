// `gatehouse demo` (npm start): everything on this machine, and a page of text that says what to try.
import { join, resolve } from "node:path";
import { systemClock } from "../core/clock.ts";
import { startDemo } from "../dev/demo.ts";
import { checkDemoPorts, type DemoPorts, type ProviderCount } from "../dev/demo-ports.ts";
import type { CommandContext } from "./command.ts";
import { welcome } from "./demo-welcome.ts";
import { endOnFault } from "./end-on-fault.ts";
import { packageRoot, webFolder } from "./package-root.ts";
import { terminalLog } from "./terminal-log.ts";
import { untilSignal } from "./until-signal.ts";

export type DemoAsked = {
  readonly providers: ProviderCount;
  readonly ports: DemoPorts;
  /** Folder of what the demonstration keeps. */
  readonly data: string;
};

export async function demoCommand(
  { env, isTerminal, print, version }: CommandContext,
  { providers, ports, data }: DemoAsked,
): Promise<void> {
  await checkDemoPorts(ports, providers);
  const logFor = terminalLog("warn", isTerminal);
  endOnFault(logFor("demonstration"));
  const anthropicApiKey = env["ANTHROPIC_API_KEY"];
  const demo = await startDemo({
    providers,
    ports,
    data: resolve(data),
    configFolder: join(packageRoot(), "dev", "config"),
    webFolder: webFolder(),
    anthropicApiKey,
    version,
    clock: systemClock,
    logFor,
  });
  const claude = anthropicApiKey !== undefined;
  print(welcome({ ...demo, ports, claude, dataFolder: join(data, "front-door") }));
  await untilSignal(demo.close, demo.frontDoor.reloadPolicy);
  print("Stopped.");
}
