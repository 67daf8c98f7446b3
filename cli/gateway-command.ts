// `gatehouse gateway --config <file>`: one thin gateway alone.
import { loadGateway } from "../config/load.ts";
import { systemClock } from "../core/clock.ts";
import { certificateFaults } from "../core/tls-certificate.ts";
import { startGateway } from "../gateway/main.ts";
import type { CommandContext } from "./command.ts";
import { endOnFault } from "./end-on-fault.ts";
import { terminalLog } from "./terminal-log.ts";
import { untilSignal } from "./until-signal.ts";

export async function gatewayCommand(
  { env, isTerminal, version }: CommandContext,
  configPath: string,
): Promise<void> {
  const config = loadGateway(configPath, env, (files) => certificateFaults(files, "gateway.tls"));
  const log = terminalLog(
    config.log.level,
    isTerminal,
  )(`gateway ${config.gateway.id}/${config.gateway.endpoint}`);
  endOnFault(log);
  const running = await startGateway(config, { clock: systemClock, log, version });
  await untilSignal(() => running.close());
}
