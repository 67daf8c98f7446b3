// One configuration file as read: its values after `${…}` and the environment, and what a fault may say of them.
import type { ConfigIssue } from "../core/config-error.ts";
import { counted } from "../core/counted.ts";
import { readEnvironment } from "./environment.ts";
import { type Setting, settingsIn, tableOf } from "./environment-names.ts";
import { type Environment, interpolate, referredVariables } from "./interpolate.ts";
import { parseJson5 } from "./json5-text.ts";
import { formatPath, isObject, type KeyPath, valueAt } from "./key-path.ts";
import { readTextFile } from "./text-file.ts";

export type Document = {
  /** The file as the operator named it. */
  readonly source: string;
  /** False when the file could not be read or parsed: then the values are the environment's alone. */
  readonly readable: boolean;
  /** Plain values, not yet checked against a schema. */
  readonly value: unknown;
  readonly issues: readonly ConfigIssue[];
  /** Variables that the file refers to. */
  readonly referred: readonly string[];
  /** Places (as {@link formatPath} writes them) whose value no message shows. */
  readonly hidden: ReadonlySet<string>;
  /** Places that have their fault already: what a schema says about them would only repeat it. */
  readonly faulty: ReadonlySet<string>;
  /** Places that a variable set, with its name. */
  readonly setBy: ReadonlyMap<string, string>;
  /** Keys that the environment may override. */
  readonly settings: readonly Setting[];
  /** Files that held secrets, absolute. */
  readonly files: readonly string[];
};

export type Surroundings = {
  readonly env: Environment;
  /** Keys that the environment may override: none for the policy files. */
  readonly settings?: readonly Setting[];
  /** Relative paths in `…_FILE` variables are from here; needed with settings. */
  readonly folder?: string;
};

/** @param path absolute */
export function readDocument(source: string, path: string, surroundings: Surroundings): Document {
  const read = readTextFile(path);
  if (read.ok) return documentOf(source, read.value, surroundings);
  const document = unreadDocument(source, surroundings);
  return { ...document, issues: [...document.issues, { source, path: "", ...read.error }] };
}

/** A document of which only the environment's part is known. */
export function unreadDocument(source: string, surroundings: Surroundings = { env: {} }): Document {
  return { ...documentOf(source, "{}", surroundings), readable: false };
}

/** @param text untrusted content of the file */
export function documentOf(source: string, text: string, surroundings: Surroundings): Document {
  const { env, settings: possible = [], folder = "" } = surroundings;
  const { value: written = {}, faults, readable } = parseJson5(text);
  const settings = settingsIn(possible, written);
  const says = readEnvironment(settings, env, folder);
  const setBy = new Map(says.overrides.map(({ path, variable }) => [formatPath(path), variable]));
  const filled = interpolate(written, env, new Set(setBy.keys()));
  for (const { path, value } of says.overrides) setAt(filled.value, path, value);
  const unsettled = says.overrides.filter(({ value }) => value === undefined);
  const secrets = [...settings, ...possible].filter(({ fileVariable }) => fileVariable !== undefined);
  return {
    source,
    readable,
    value: filled.value,
    issues: [
      ...says.issues,
      ...[...faults, ...filled.faults].map(({ path, ...fault }) => ({
        source,
        path: formatPath(path),
        ...fault,
      })),
    ],
    referred: referredVariables(text),
    hidden: new Set([
      ...filled.hidden,
      ...secrets.map((setting) => formatPath(tableOf(setting) ?? setting.key.path)),
    ]),
    faulty: new Set([...filled.faults, ...unsettled].map(({ path }) => formatPath(path))),
    setBy,
    settings,
    files: says.files,
  };
}

/** A fault at one place of a document; says what was found there unless told otherwise. */
export function issueAt(document: Document, path: KeyPath, expected: string, found?: string): ConfigIssue {
  const variable = setByVariable(document, path);
  return {
    source: variable ?? document.source,
    path: formatPath(path),
    found: found ?? shown(document, path),
    expected,
  };
}

/** Of a file that could not be read only what the environment says can be judged. */
export function judgeable(document: Document, issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  return document.readable ? issues : issues.filter(({ source }) => source !== document.source);
}

/** A list that a variable set has that variable as the source of its items too. */
function setByVariable(document: Document, path: KeyPath): string | undefined {
  const lengths = path.map((_, index) => path.length - index);
  return lengths
    .map((length) => document.setBy.get(formatPath(path.slice(0, length))))
    .find((name) => name !== undefined);
}

const SHOWN_LENGTH = 60;

function shown(document: Document, path: KeyPath): string {
  const value = valueAt(document.value, path);
  if (value === undefined) return nothing(document, path);
  if (value === null) return "null";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return "an object";
  if (isHidden(document, formatPath(path))) return `a value of ${counted(String(value).length, "character")}`;
  // A name or text may be as long as the file; JSON.stringify also keeps it on one line.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}

/** Also where a secret belongs further down: someone may have put it in its object's place. */
function isHidden({ hidden }: Document, place: string): boolean {
  return place === "" || hidden.has(place) || [...hidden].some((secret) => secret.startsWith(`${place}.`));
}

function nothing(document: Document, path: KeyPath): string {
  const setting = document.settings.find(({ key }) => formatPath(key.path) === formatPath(path));
  return setting?.key.default === undefined
    ? "nothing"
    : `the default ${JSON.stringify(setting.key.default)}`;
}

function setAt(tree: unknown, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  // What is not an object is a fault that the schema names.
  if (key === undefined || !isObject(tree)) return;
  if (rest.length === 0) tree[key] = value;
  else {
    if (!Object.hasOwn(tree, key)) tree[key] = {};
    setAt(tree[key], rest, value);
  }
}
