// What the environment says about a file's keys: it wins over the file. The process's own environment is not
// read here; it comes in as a record.
import { resolve } from "node:path";
import type { ConfigIssue } from "../core/config-error.ts";
import { PREFIX, reads, type Setting } from "./environment-names.ts";
import { type Environment, variableOf } from "./interpolate.ts";
import { formatPath } from "./key-path.ts";
import { knownNames } from "./nearest-name.ts";
import { readTextFile } from "./text-file.ts";

export type Override = {
  readonly path: readonly string[];
  /** Undefined when the variable is at fault: the file's value does not count then either. */
  readonly value: unknown;
  /** The variable that it comes from. */
  readonly variable: string;
};

export type EnvironmentSays = {
  readonly overrides: readonly Override[];
  /** Files that held secrets, absolute. */
  readonly files: readonly string[];
  readonly issues: readonly ConfigIssue[];
};

/** @param folder relative paths in `…_FILE` variables are from here */
export function readEnvironment(
  settings: readonly Setting[],
  env: Environment,
  folder: string,
): EnvironmentSays {
  const said = settings.map((setting) => readSetting(setting, env, folder));
  return {
    overrides: said.flatMap(({ overrides }) => overrides),
    files: said.flatMap(({ files }) => files),
    issues: said.flatMap(({ issues }) => issues),
  };
}

function readSetting(setting: Setting, env: Environment, folder: string): EnvironmentSays {
  const { key, variable, fileVariable } = setting;
  const own = variableOf(env, variable);
  const named = fileVariable === undefined ? undefined : variableOf(env, fileVariable);
  const candidates: { readonly variable: string; readonly text: string }[] = [];
  const files: string[] = [];
  if (own !== undefined) candidates.push({ variable, text: own });
  if (fileVariable !== undefined && named !== undefined) {
    if (own !== undefined) return faulty(setting, fileVariable, `${variable} too`, "one of the two");
    const file = resolve(folder, named);
    const read = readTextFile(file);
    if (!read.ok) return faulty(setting, fileVariable, read.error.found, read.error.expected);
    candidates.push({ variable: fileVariable, text: read.value.replace(/\r?\n$/, "") });
    files.push(file);
  }
  for (const alias of setting.aliases) {
    const text = variableOf(env, alias);
    // Another program's variable, often left empty to switch something off there.
    if (text !== undefined && text !== "") candidates.push({ variable: alias, text });
  }
  const [first, ...others] = candidates;
  if (first === undefined) return { overrides: [], files, issues: [] };
  const different = others.find(({ text }) => text !== first.text);
  if (different !== undefined) {
    const found = `another value than in ${first.variable}`;
    return faulty(setting, different.variable, found, "one of the two, or the same value in both");
  }
  const value = typed(key.kind, first.text);
  return { overrides: [{ path: key.path, value, variable: first.variable }], files, issues: [] };
}

function faulty(setting: Setting, variable: string, found: string, expected: string): EnvironmentSays {
  const { path } = setting.key;
  return {
    overrides: [{ path, value: undefined, variable }],
    files: [],
    issues: [{ source: variable, path: formatPath(path), found, expected }],
  };
}

/** What is not a number or a boolean stays text: the schema then says what it should have been. */
function typed(kind: Setting["key"]["kind"], text: string): unknown {
  if (kind === "number") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (kind !== "texts") return text;
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/**
 * Variables with our prefix that nothing reads: most likely misspelt, so that a setting is not what it seems.
 * @param others names that the other process of this product reads: one environment may serve both
 * @param referred names that some file refers to as `${NAME}`
 */
export function unknownVariables(
  env: Environment,
  settings: readonly Setting[],
  others: readonly Setting[],
  referred: ReadonlySet<string>,
): ConfigIssue[] {
  const known = [...settings, ...others];
  const names = namesOf(settings);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && env[name] !== undefined && !referred.has(name))
    .filter((name) => !known.some((setting) => reads(setting, name)))
    .map((name) => ({
      source: name,
      path: "",
      found: "a variable that nothing reads",
      expected: `a name that docs/config.md lists${knownNames(name, names)}`,
    }));
}

function namesOf(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ variable, fileVariable }) =>
    fileVariable === undefined ? [variable] : [variable, fileVariable],
  );
}
