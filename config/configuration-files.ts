// The front door's configuration files while it runs: read again whenever somebody asks what they say now.
// Reads the files that the start has read and nothing else; changes nothing.
import { ConfigError } from "../core/config-error.ts";
import { readDocument } from "./document.ts";
import type { FrontDoorConfig } from "./front-door.ts";
import type { Environment } from "./interpolate.ts";
import { type LoadedFrontDoor, loadFrontDoor } from "./load.ts";
import { checkPolicy, type Policy, type PolicyTexts, policyTextsOf } from "./policy-files.ts";

export type ReadPolicy = Policy & { readonly texts: PolicyTexts };

export type ConfigurationFiles = {
  /** Absolute paths of everything that the configuration comes from. */
  readonly paths: readonly string[];
  /**
   * IT's and ops's files alone: a fault in the front door's own file must not keep a removal of access waiting.
   * @throws ConfigError with all faults of the two files
   */
  policy(): ReadPolicy;
  /** @throws ConfigError with all faults of all files and the environment */
  config(): FrontDoorConfig;
};

/** @param path of front-door.json5, as the operator named it; `loaded` and `env` as at the start */
export function configurationFiles(
  path: string,
  env: Environment,
  { config, files }: LoadedFrontDoor,
): ConfigurationFiles {
  const { policy } = config;
  return {
    paths: files,
    policy() {
      const access = readDocument(policy.access, policy.access, { env });
      const routes = readDocument(policy.routes, policy.routes, { env });
      const { value, issues } = checkPolicy(access, routes);
      if (value === undefined) throw new ConfigError(issues);
      return { ...value, texts: policyTextsOf(access, routes) };
    },
    config: () => loadFrontDoor(path, env).config,
  };
}
