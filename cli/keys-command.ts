// `gatehouse keys show --config <front-door file>`: what a gateway's configuration needs, from the files that the
// front door wrote at its start.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadFrontDoor } from "../config/load.ts";
import { ConfigError } from "../core/config-error.ts";
import { KEY_SET_FILE, TRUST_THUMBPRINT_FILE } from "../token-exchange/key-set-files.ts";
import type { CommandContext } from "./command.ts";

export function keysShowCommand({ env, print }: CommandContext, configPath: string): void {
  const { config } = loadFrontDoor(configPath, env);
  const thumbprintFile = join(config.data, TRUST_THUMBPRINT_FILE);
  if (!existsSync(thumbprintFile)) {
    throw new ConfigError([
      {
        source: thumbprintFile,
        path: "",
        found: "no file",
        expected: "the front door to have been started once with this configuration",
      },
    ]);
  }
  print(`gateway.auth.issuer  ${config.assertion.issuer}`);
  print(`gateway.auth.trust   ${readFileSync(thumbprintFile, "utf8").trim()}`);
  print(`gateway.auth.keySet  a copy of ${join(config.data, KEY_SET_FILE)}`);
}
