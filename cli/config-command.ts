// `gatehouse config check --config <file>`: every fault of a configuration, without starting anything.
import { loadFrontDoor, loadGateway } from "../config/load.ts";
import type { CommandContext } from "./command.ts";

export function configCheckCommand(
  { env, print }: CommandContext,
  kind: "front-door" | "gateway",
  path: string,
): void {
  if (kind === "gateway") {
    const { gateway, agents } = loadGateway(path, env);
    print(
      `${path}: valid. Gateway ${gateway.id}/${gateway.endpoint}, agents ${Object.keys(agents.entries).join(", ")}.`,
    );
    return;
  }
  const { access, routing, files } = loadFrontDoor(path, env);
  print(
    `${files.join(", ")}: valid. ${access.agents.size} agents, ${routing.gateways.size} gateways, ${routing.rules.length} routes.`,
  );
}
