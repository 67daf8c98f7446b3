// `gatehouse config check --config <file>`: every fault of a configuration, without starting anything. Stricter than a
// start, which serves an expired certificate rather than nothing.
import { loadFrontDoor, loadGateway, type TlsCheck } from "../config/load.ts";
import { findInCertificate } from "../core/certificate-findings.ts";
import { formatIssue } from "../core/config-error.ts";
import { counted } from "../core/counted.ts";
import type { CommandContext } from "./command.ts";

/**
 * @param now milliseconds since 1970
 * @throws ConfigError with every fault
 */
export function configCheckCommand(
  { env, print }: CommandContext,
  kind: "front-door" | "gateway",
  path: string,
  now: number,
): void {
  if (kind === "gateway") {
    const { gateway, agents } = loadGateway(path, env, lookInto("gateway.tls", now, print));
    const names = Object.keys(agents.entries).join(", ");
    print(`${path}: valid. Gateway ${gateway.id}/${gateway.endpoint}, agents ${names}.`);
    return;
  }
  const { access, routing, files } = loadFrontDoor(path, env, lookInto("tls", now, print));
  print(
    `${files.join(", ")}: valid. ${counted(access.agents.size, "agent")}, ${counted(routing.gateways.size, "gateway")}, ${counted(routing.rules.length, "route")}.`,
  );
}

function lookInto(key: string, now: number, print: CommandContext["print"]): TlsCheck {
  return (files) => {
    const { faults, warnings } = findInCertificate(files, key, now);
    for (const warning of warnings) print(`warning: ${formatIssue(warning)}`);
    return faults;
  };
}
