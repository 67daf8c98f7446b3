// The schema of a table's entries, found from the schema of the whole file. No I/O.
import { z } from "zod";
import type { KeyPath } from "./key-path.ts";

/** @param path of an entry; undefined where there is no table around it */
export function entrySchemaAt(schema: z.core.$ZodType, path: KeyPath): z.core.$ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return undefined;
  const container = withoutWrappers(schema);
  if (container instanceof z.ZodRecord) {
    const entry = container.valueType;
    return rest.length === 0 ? entry : entrySchemaAt(entry, rest);
  }
  if (container instanceof z.ZodArray) return entrySchemaAt(container.element, rest);
  const field = container instanceof z.ZodObject ? container.shape[String(key)] : undefined;
  return field === undefined ? undefined : entrySchemaAt(field, rest);
}

/** What an operator writes: behind a default, and before a transform. */
function withoutWrappers(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return withoutWrappers(schema.in);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return withoutWrappers(schema.unwrap());
  }
  return schema;
}
