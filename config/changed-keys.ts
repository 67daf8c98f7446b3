// Which keys of a configuration differ from another one's. Pure.
import { formatPath, isObject, type KeyPath } from "./key-path.ts";

/** Such as `limits.sockets`, in the order of the files. Names only: a value may be a secret. */
export function changedKeys(before: unknown, after: unknown, path: KeyPath = []): readonly string[] {
  if (!isTable(before) || !isTable(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [formatPath(path)];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changedKeys(before[key], after[key], [...path, key]));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !ArrayBuffer.isView(value);
}
