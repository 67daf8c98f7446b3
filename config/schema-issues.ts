// Checks a document against its schema: the value, or every fault in the words of formatIssue.
import { z } from "zod";
import type { ConfigIssue } from "../core/config-error.ts";
import { counted } from "../core/counted.ts";
import { type Document, issueAt, judgeable } from "./document.ts";
import { entrySchemaAt } from "./entry-schema.ts";
import { formatPath, type KeyPath, valueAt } from "./key-path.ts";
import { knownNames } from "./nearest-name.ts";
import { type SchemaKey, schemaKeys } from "./schema-keys.ts";

export type Checked<T> = { readonly value: T | undefined; readonly issues: readonly ConfigIssue[] };

/** @param moved keys that once stood at the top, with what is to be written instead */
export function checkSchema<T>(
  document: Document,
  schema: z.ZodType<T>,
  moved: ReadonlyMap<string, string> = new Map(),
): Checked<T> {
  const result = schema.safeParse(document.value, { error: expectation });
  if (result.success) return { value: result.data, issues: [] };
  const keys = schemaKeys(schema);
  const issues = faultsOf(schema, document.value, result.error)
    .filter((issue) => !document.faulty.has(formatPath(issue.path)))
    .flatMap((issue) => issuesOf(document, keys, issue, moved));
  return { value: undefined, issues: judgeable(document, issues) };
}

/**
 * The parts of an object or list that are sound by themselves, so that one fault does not keep the rules about the
 * others from being checked.
 */
export function soundEntries<T>(schema: z.ZodType<T>, container: unknown): [string, T][] {
  if (typeof container !== "object" || container === null) return [];
  return Object.entries(container).flatMap(([key, entry]): [string, T][] => {
    const result = schema.safeParse(entry);
    return result.success ? [[key, result.data]] : [];
  });
}

/** The same for the keys of an object that each have a schema of their own. */
export function soundKeys<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  container: unknown,
): Partial<z.output<z.ZodObject<Shape>>> {
  const entries = Object.entries(schema.shape).flatMap(([key, field]) =>
    soundEntries(field as z.ZodType, { [key]: valueAt(container, [key]) }),
  );
  return Object.fromEntries(entries) as Partial<z.output<z.ZodObject<Shape>>>;
}

/** Every fault of a schema. Zod looks at no entry whose key is wrong: its own faults would only come when that is mended. */
function faultsOf(schema: z.core.$ZodType, value: unknown, error: z.core.$ZodError): z.core.$ZodIssue[] {
  return error.issues.flatMap((issue) => {
    const entrySchema = issue.code === "invalid_key" ? entrySchemaAt(schema, issue.path) : undefined;
    if (entrySchema === undefined) return [issue];
    const entry = valueAt(value, issue.path);
    const result = z.safeParse(entrySchema, entry, { error: expectation });
    if (result.success) return [issue];
    const within = faultsOf(entrySchema, entry, result.error);
    return [issue, ...within.map((fault) => ({ ...fault, path: [...issue.path, ...fault.path] }))];
  });
}

function issuesOf(
  document: Document,
  keys: readonly SchemaKey[],
  issue: z.core.$ZodIssue,
  moved: ReadonlyMap<string, string>,
): ConfigIssue[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = keys.filter((key) => matches(key.path.slice(0, -1), path) && key.path.length > path.length);
    const names = known.map((key) => key.path.at(-1) ?? "");
    return issue.keys.map((name) => {
      const instead = path.length === 0 ? moved.get(name) : undefined;
      return instead === undefined
        ? issueAt(document, [...path, name], `a known key${knownNames(name, names)}`, "an unknown key")
        : issueAt(document, [...path, name], instead, "a key that has moved");
    });
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues[0]?.message ?? issue.message;
    return [issueAt(document, path, expected, "this key")];
  }
  if (valueAt(document.value, path) === undefined) return missing(document, keys, path, issue.message);
  return [issueAt(document, path, issue.message)];
}

/** One issue for each value that is needed at or below a missing place, each with every way to give it. */
function missing(
  document: Document,
  keys: readonly SchemaKey[],
  path: KeyPath,
  expected: string,
): ConfigIssue[] {
  const below = keys.filter(
    (key) => key.path.length === path.length + 1 && matches(key.path.slice(0, -1), path),
  );
  const needed = below.filter((key) => key.required);
  if (needed.length > 0) {
    return needed.flatMap((key) => missing(document, keys, [...path, key.path.at(-1) ?? ""], key.type));
  }
  const setting = document.settings.find(({ key }) => formatPath(key.path) === formatPath(path));
  if (setting === undefined) return [issueAt(document, path, expected)];
  // An entry whose key is wrong has no variables: their names would be made of that key.
  const ways = [setting.variable, setting.fileVariable].filter((name) => /^[A-Z0-9_]+$/.test(name ?? ""));
  const orBy = ways.length === 0 ? "" : ` or by ${ways.join(" or ")}`;
  return [issueAt(document, path, `${expected}; set it in the file${orBy}`)];
}

/** Whether a place fits a key's path, where `*` is any key of a table and `[]` any item. */
function matches(pattern: readonly string[], path: KeyPath): boolean {
  return (
    pattern.length === path.length &&
    pattern.every(
      (key, index) => key === "*" || key === path[index] || (key === "[]" && Number.isInteger(path[index])),
    )
  );
}

/** The message of a fault whose schema brings none of its own: what was expected, never the input. */
function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      return `at least ${amount(issue.minimum, issue.origin)}`;
    case "too_big":
      return `at most ${amount(issue.maximum, issue.origin)}`;
    default:
      return "another value";
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text in quotes",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list: [ … ]",
  object: "an object: { … }",
  record: "an object: { … }",
};

function amount(limit: number | bigint, origin: string): string {
  if (origin === "string") return counted(limit, "character");
  return origin === "array" ? counted(limit, "entry", "entries") : String(limit);
}
