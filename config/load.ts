// Files and environment → a checked configuration, or one ConfigError with every fault of all of them.
// Reads the files that it is told of and nothing else; starts nothing.
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ConfigError, type ConfigIssue } from "../core/config-error.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { type Document, readDocument, unreadDocument } from "./document.ts";
import { unknownVariables } from "./environment.ts";
import { FRONT_DOOR_SETTINGS, GATEWAY_SETTINGS } from "./environment-names.ts";
import { FRONT_DOOR_MOVED, type FrontDoorConfig, frontDoorSchema } from "./front-door.ts";
import { frontDoorIssues } from "./front-door-checks.ts";
import { type GatewayConfig, gatewaySchema } from "./gateway.ts";
import type { Environment } from "./interpolate.ts";
import { formatPath, type KeyPath, valueAt } from "./key-path.ts";
import { otherKindIssue } from "./other-kind.ts";
import { checkPolicy, type Policy } from "./policy-files.ts";
import { checkSchema } from "./schema-issues.ts";
import { type TlsFiles, tlsSchema } from "./tls.ts";

export type LoadedFrontDoor = Policy & {
  readonly config: FrontDoorConfig;
  /** Every file that was read, absolute: the three configuration files, then those that hold secrets. */
  readonly files: readonly string[];
};

/** What is wrong with a listener's certificate and key; asked as soon as the two paths are sound by themselves. */
export type TlsCheck = (files: TlsFiles) => readonly ConfigIssue[];

/**
 * Paths in the files come out absolute, from the folder of `front-door.json5`; the whole result is deep-frozen.
 * @param path of front-door.json5, as the operator named it: faults name it so
 * @param checkTls for whoever looks into those two files as well; left out, they are not read
 * @throws ConfigError with all faults of the three files and the environment
 */
export function loadFrontDoor(path: string, env: Environment, checkTls: TlsCheck = NO_LOOK): LoadedFrontDoor {
  const surroundings = { env, settings: FRONT_DOOR_SETTINGS, folder: folderOf(path) };
  const document = readDocument(path, resolve(path), surroundings);
  const otherKind = otherKindIssue(document, "front-door");
  if (otherKind !== undefined) throw new ConfigError([otherKind]);
  const config = checkSchema(document, frontDoorSchema, FRONT_DOOR_MOVED);
  const access = readPolicyFile(document, ["policy", "access"], env);
  const routes = readPolicyFile(document, ["policy", "routes"], env);
  const policy = checkPolicy(access, routes);
  const referred = new Set([document, access, routes].flatMap((file) => file.referred));
  const issues = [
    ...document.issues,
    ...config.issues,
    ...frontDoorIssues(document),
    ...certificateIssues(document, ["tls"], folderOf(path), checkTls),
    ...policy.issues,
    // What an unreadable file may have in its tables nobody knows.
    ...unknownVariables(
      env,
      document.readable ? document.settings : FRONT_DOOR_SETTINGS,
      GATEWAY_SETTINGS,
      referred,
    ),
  ];
  if (issues.length > 0 || config.value === undefined || policy.value === undefined) {
    throw new ConfigError(issues);
  }
  const fromHere = (relative: string) => resolve(folderOf(path), relative);
  const paths = {
    access: fromHere(config.value.policy.access),
    routes: fromHere(config.value.policy.routes),
  };
  return deepFreeze({
    config: {
      ...config.value,
      data: fromHere(config.value.data),
      policy: paths,
      ...absoluteTls(config.value.tls, fromHere),
    },
    ...policy.value,
    files: [resolve(path), paths.access, paths.routes, ...document.files],
  });
}

/**
 * Paths in the file come out absolute, from its folder; the result is deep-frozen.
 * @param path of gateway.json5, as the operator named it: faults name it so
 * @param checkTls as of {@link loadFrontDoor}
 * @throws ConfigError with all faults of the file and the environment
 */
export function loadGateway(path: string, env: Environment, checkTls: TlsCheck = NO_LOOK): GatewayConfig {
  const surroundings = { env, settings: GATEWAY_SETTINGS, folder: folderOf(path) };
  const document = readDocument(path, resolve(path), surroundings);
  const otherKind = otherKindIssue(document, "gateway");
  if (otherKind !== undefined) throw new ConfigError([otherKind]);
  const config = checkSchema(document, gatewaySchema);
  const issues = [
    ...document.issues,
    ...config.issues,
    ...certificateIssues(document, ["gateway", "tls"], folderOf(path), checkTls),
    ...unknownVariables(env, GATEWAY_SETTINGS, FRONT_DOOR_SETTINGS, new Set(document.referred)),
  ];
  if (issues.length > 0 || config.value === undefined) throw new ConfigError(issues);
  const fromHere = (relative: string) => resolve(folderOf(path), relative);
  const { gateway, data } = config.value;
  const { keySet, ...auth } = gateway.auth;
  const bootstrap = keySet === undefined ? {} : { keySet: fromHere(keySet) };
  return deepFreeze({
    ...config.value,
    gateway: { ...gateway, auth: { ...auth, ...bootstrap }, ...absoluteTls(gateway.tls, fromHere) },
    data: fromHere(data),
  });
}

const NO_LOOK: TlsCheck = () => [];

/** Beside whatever else is wrong: with one fault mended at a time, a listener takes as many starts. */
function certificateIssues(document: Document, key: KeyPath, folder: string, check: TlsCheck) {
  const { success, data } = tlsSchema.safeParse(valueAt(document.value, key));
  if (!success) return [];
  return check({ certificate: resolve(folder, data.certificate), key: resolve(folder, data.key) });
}

function absoluteTls(tls: TlsFiles | undefined, fromHere: (path: string) => string): { tls?: TlsFiles } {
  return tls === undefined ? {} : { tls: { certificate: fromHere(tls.certificate), key: fromHere(tls.key) } };
}

/** A path that is missing or no text has its fault in the front door's file: nothing is read for it then. */
function readPolicyFile(frontDoor: Document, key: KeyPath, env: Environment): Document {
  const named = valueAt(frontDoor.value, key);
  const nameless = `${frontDoor.source} (${formatPath(key)})`;
  if (typeof named !== "string" || named === "" || named.includes("\0")) return unreadDocument(nameless);
  const source = frontDoor.hidden.has(formatPath(key)) ? nameless : besides(frontDoor.source, named);
  return readDocument(source, resolve(folderOf(frontDoor.source), named), { env });
}

/** A path as the operator would name it from where they named the front door's file. */
function besides(file: string, named: string): string {
  return isAbsolute(named) ? named : join(dirname(file), named);
}

function folderOf(path: string): string {
  return dirname(resolve(path));
}
