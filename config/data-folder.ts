// Where a front door keeps its data, for commands that talk to a running one: they must work while its other
// settings or the policy files are broken, which is when they are needed.
import { dirname, resolve } from "node:path";
import { ConfigError } from "../core/config-error.ts";
import { issueAt, readDocument } from "./document.ts";
import { FRONT_DOOR_SETTINGS } from "./environment-names.ts";
import { frontDoorSchema } from "./front-door.ts";
import type { Environment } from "./interpolate.ts";
import { valueAt } from "./key-path.ts";

const KEY = ["data"];

/**
 * Absolute. Only this one key is checked.
 * @param path of front-door.json5, as the operator named it
 * @throws ConfigError when the file does not tell
 */
export function frontDoorDataFolder(path: string, env: Environment): string {
  const folder = dirname(resolve(path));
  const document = readDocument(path, resolve(path), { env, settings: FRONT_DOOR_SETTINGS, folder });
  const value = valueAt(document.value, KEY);
  // Of a file that cannot be read the default is not what it says.
  if (!document.readable && value === undefined) throw new ConfigError(document.issues);
  const data = frontDoorSchema.shape.data.safeParse(value);
  if (data.success && !document.faulty.has(KEY.join())) return resolve(folder, data.data);
  throw new ConfigError([issueAt(document, KEY, "the folder of the front door's data")]);
}
