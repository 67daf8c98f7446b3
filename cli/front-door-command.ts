// `gatehouse front-door --config <file>`: the front door alone, with any OpenID provider.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { configurationFiles } from "../config/configuration-files.ts";
import { loadFrontDoor } from "../config/load.ts";
import { systemClock } from "../core/clock.ts";
import { certificateFaults } from "../core/tls-certificate.ts";
import { startFrontDoor } from "../proxy/main.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import type { CommandContext } from "./command.ts";
import { endOnFault } from "./end-on-fault.ts";
import { webFolder } from "./package-root.ts";
import { terminalLog } from "./terminal-log.ts";
import { untilSignal } from "./until-signal.ts";

export async function frontDoorCommand(
  { env, isTerminal }: CommandContext,
  configPath: string,
): Promise<void> {
  const loaded = loadFrontDoor(configPath, env, (files) => certificateFaults(files, "tls"));
  const { config } = loaded;
  const log = terminalLog(config.log.level, isTerminal)("front-door");
  endOnFault(log);
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const store = await openEmbeddedStore({ folder: join(config.data, "store"), clock: systemClock, log });
  try {
    const running = await startFrontDoor({
      config,
      files: configurationFiles(configPath, env, loaded),
      store,
      webFolder: webFolder(),
      clock: systemClock,
      log,
    });
    await untilSignal(running.close, running.reloadPolicy);
  } finally {
    await store.close();
  }
}
