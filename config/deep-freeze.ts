// Makes a configuration unchangeable, so that no stage can alter what another one decided by.

/** Freezes plain objects, lists and maps at every depth, and returns the value. Bytes cannot be frozen and stay. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) {
    for (const entry of value.values()) deepFreeze(entry);
    for (const method of ["set", "delete", "clear"]) Object.defineProperty(value, method, { value: refuse });
  }
  for (const entry of Object.values(value)) deepFreeze(entry);
  return Object.freeze(value);
}

// Object.freeze leaves a Map's entries changeable.
function refuse(): never {
  throw new TypeError("the configuration cannot be changed");
}
