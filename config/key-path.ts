// The place of a value in a configuration file, as a list of keys and as people read it.

export type KeyPath = readonly PropertyKey[];

/** `["users", "eve@example.com", "deny"]` → `users["eve@example.com"].deny`; `["routes", 2, "to"]` → `routes[2].to`. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const name = String(key);
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");
}

/** The value at a path; undefined when there is none. Inherited properties are none. */
export function valueAt(tree: unknown, path: KeyPath): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** The keys of the object at a path; none when there is no object. */
export function keysAt(tree: unknown, path: KeyPath): string[] {
  const value = valueAt(tree, path);
  return isObject(value) ? Object.keys(value) : [];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
