// `${NAME}` inside the strings of a file → the environment's value; `$${` → `${` as text. Keys are never touched,
// and what a variable holds is not looked at again: a secret may contain `${`.
import { formatPath, isObject, type KeyPath } from "./key-path.ts";

/** The environment as a plain record: only the command line reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Interpolated = {
  /** Undefined wherever there is a fault. */
  readonly value: unknown;
  /** Places (as {@link formatPath} writes them) that hold an environment's value: no message shows them. */
  readonly hidden: ReadonlySet<string>;
  readonly faults: readonly { readonly path: KeyPath; readonly found: string; readonly expected: string }[];
};

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/** @param replaced places whose value the environment replaces anyway: their variables need not be set */
export function interpolate(tree: unknown, env: Environment, replaced: ReadonlySet<string>): Interpolated {
  const hidden = new Set<string>();
  const faults: { path: KeyPath; found: string; expected: string }[] = [];

  function walk(value: unknown, path: KeyPath): unknown {
    if (typeof value === "string") return replaced.has(formatPath(path)) ? value : substitute(value, path);
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (!isObject(value)) return value;
    // `__proto__` is a fault of its own (json5-text.ts) and goes no further.
    const entries = Object.entries(value).filter(([key]) => key !== "__proto__");
    return Object.fromEntries(entries.map(([key, item]) => [key, walk(item, [...path, key])]));
  }

  function substitute(text: string, path: KeyPath): string | undefined {
    const before = faults.length;
    const result = text.replace(REFERENCE, (match, name: string | undefined) => {
      if (match === "$${") return "${";
      if (name === undefined) {
        faults.push({
          path,
          found: "an unfinished reference: $, { and no name with }",
          expected: "$, {, the name of a variable and }; with a second $ before it, it is text",
        });
        return match;
      }
      hidden.add(formatPath(path));
      const value = variableOf(env, name);
      if (value !== undefined) return value;
      faults.push({
        path,
        found: `\${${name}}, which is not set`,
        expected: `the variable ${name} to be set`,
      });
      return match;
    });
    return faults.length === before ? result : undefined;
  }

  return { value: walk(tree, []), hidden, faults };
}

/** The variables that a file's text refers to, comments included. */
export function referredVariables(text: string): string[] {
  return [...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** Undefined when it is not set. Inherited properties of the record are no variables. */
export function variableOf(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
