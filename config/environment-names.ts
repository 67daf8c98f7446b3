// The environment variables that override a key: GATEHOUSE_ and the key's path in capitals, derived from the schema.
// Only single values and lists of texts have one; tables and rules belong in their files.
import type { z } from "zod";
import { FRONT_DOOR_SECRETS, frontDoorSchema } from "./front-door.ts";
import { GATEWAY_ENV_ALIASES, GATEWAY_SECRETS, gatewaySchema } from "./gateway.ts";
import { type SchemaKey, schemaKeys } from "./schema-keys.ts";

export const PREFIX = "GATEHOUSE_";

export type Setting = {
  readonly key: SchemaKey;
  /** Such as `GATEHOUSE_PROVIDER_CLIENT_SECRET`. */
  readonly variable: string;
  /** Of a secret: names a file that holds the value. */
  readonly fileVariable: string | undefined;
  /** Names of other programs that mean the same. */
  readonly aliases: readonly string[];
};

export const FRONT_DOOR_SETTINGS = settingsOf(frontDoorSchema, FRONT_DOOR_SECRETS, {});
export const GATEWAY_SETTINGS = settingsOf(gatewaySchema, GATEWAY_SECRETS, GATEWAY_ENV_ALIASES);

function settingsOf(
  schema: z.ZodType,
  secrets: readonly string[],
  aliases: Readonly<Record<string, string>>,
): readonly Setting[] {
  return schemaKeys(schema)
    .filter(hasVariable)
    .map((key) => {
      const dotted = key.path.join(".");
      const variable = variableOf(key.path);
      return {
        key,
        variable,
        fileVariable: secrets.includes(dotted) ? `${variable}_FILE` : undefined,
        aliases: Object.keys(aliases).filter((alias) => aliases[alias] === dotted),
      };
    });
}

function hasVariable({ kind, path }: SchemaKey): boolean {
  return kind !== "object" && kind !== "table" && !path.includes("*") && !path.includes("[]");
}

/** `["provider", "clientSecret"]` → `GATEHOUSE_PROVIDER_CLIENT_SECRET`. */
function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase());
  return PREFIX + words.join("_");
}
