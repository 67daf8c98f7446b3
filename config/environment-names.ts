// The environment variables that override a key: GATEHOUSE_ and the key's path in capitals, derived from the schema.
// Only single values and lists of texts have one; tables and rules belong in their files, but a table whose keys are
// short words may have them for what is in its entries.
import type { z } from "zod";
import { FRONT_DOOR_SECRETS, FRONT_DOOR_TABLES, frontDoorSchema } from "./front-door.ts";
import { GATEWAY_ENV_ALIASES, GATEWAY_SECRETS, gatewaySchema } from "./gateway.ts";
import { keysAt } from "./key-path.ts";
import { type SchemaKey, schemaKeys } from "./schema-keys.ts";

export const PREFIX = "GATEHOUSE_";

/** Stands in a name for the key of a table's entry, which only a file says. */
const ENTRY = "<ID>";

export type Setting = {
  readonly key: SchemaKey;
  /** Such as `GATEHOUSE_ENCRYPTION_KEY`, or `GATEHOUSE_PROVIDERS_<ID>_CLIENT_SECRET` as long as no file was read. */
  readonly variable: string;
  /** Of a secret: names a file that holds the value. */
  readonly fileVariable: string | undefined;
  /** Names of other programs that mean the same. */
  readonly aliases: readonly string[];
};

export const FRONT_DOOR_SETTINGS = settingsOf(frontDoorSchema, FRONT_DOOR_SECRETS, FRONT_DOOR_TABLES, {});
export const GATEWAY_SETTINGS = settingsOf(gatewaySchema, GATEWAY_SECRETS, [], GATEWAY_ENV_ALIASES);

/** The same for a file's own entries: one setting for each key that it has in the table. */
export function settingsIn(settings: readonly Setting[], written: unknown): readonly Setting[] {
  return settings.flatMap((setting) => {
    const { key, variable, fileVariable } = setting;
    const table = tableOf(setting);
    if (table === undefined) return [setting];
    return keysAt(written, table).map((entry) => {
      const named = (name: string) => name.replace(ENTRY, () => inCapitals(entry));
      return {
        ...setting,
        key: { ...key, path: key.path.map((part) => (part === "*" ? entry : part)) },
        variable: named(variable),
        fileVariable: fileVariable === undefined ? undefined : named(fileVariable),
      };
    });
  });
}

/** Path of the table whose entries it is in; undefined for a setting of its own. */
export function tableOf({ key: { path } }: Setting): readonly string[] | undefined {
  return path.includes("*") ? path.slice(0, path.indexOf("*")) : undefined;
}

/** Whether a setting reads this variable, for some entry if it is in a table. */
export function reads({ variable, fileVariable }: Setting, name: string): boolean {
  return [variable, fileVariable].some((own) => {
    const [before = "", after] = own?.split(ENTRY) ?? [];
    if (own === undefined || after === undefined) return own === name;
    const entry = name.slice(before.length, name.length - after.length);
    return name === `${before}${entry}${after}` && /^[A-Z0-9]+$/.test(entry);
  });
}

function settingsOf(
  schema: z.ZodType,
  secrets: readonly string[],
  tables: readonly string[],
  aliases: Readonly<Record<string, string>>,
): readonly Setting[] {
  return schemaKeys(schema)
    .filter((key) => hasVariable(key, tables))
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

function hasVariable({ kind, path }: SchemaKey, tables: readonly string[]): boolean {
  const table = path.includes("*") ? path.slice(0, path.indexOf("*")).join(".") : undefined;
  const isNamed = table === undefined || (tables.includes(table) && path.length > path.indexOf("*") + 1);
  return kind !== "object" && kind !== "table" && isNamed && !path.includes("[]");
}

/** `["assertion", "rotateEvery"]` → `GATEHOUSE_ASSERTION_ROTATE_EVERY`. */
function variableOf(path: readonly string[]): string {
  return PREFIX + path.map((key) => (key === "*" ? ENTRY : inCapitals(key))).join("_");
}

function inCapitals(key: string): string {
  return key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
}
