// The keys of a configuration file, read from its schema: what names environment variables, finds required keys
// and fills docs/config.md. Nothing is listed by hand.
import { z } from "zod";

export type SchemaKey = {
  /** A key of a table is `*`, an item of a list of objects `[]`. */
  readonly path: readonly string[];
  readonly kind: "text" | "number" | "boolean" | "texts" | "object" | "table";
  /** For people, such as `duration` or `"refuse" or "none"`. */
  readonly type: string;
  readonly required: boolean;
  /** As it would be written in the file; undefined when there is none. */
  readonly default: unknown;
  readonly meaning: string;
  /** What the keys of a table are, such as `agent`. */
  readonly tableKey: string;
};

type JsonSchema = z.core.JSONSchema.BaseSchema;

export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  // `input`: what an operator writes, before transforms (which JSON Schema cannot express).
  return z.toJSONSchema(schema, { io: "input" });
}

/** Every key, in the schema's order, a container before what it contains. */
export function schemaKeys(schema: z.ZodType): readonly SchemaKey[] {
  return keysUnder(jsonSchemaOf(schema), []);
}

function keysUnder(schema: JsonSchema, path: readonly string[]): SchemaKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const child = asObject(property);
    return keyAndBelow(child, [...path, name], schema.required?.includes(name) ?? false);
  });
}

function keyAndBelow(schema: JsonSchema, path: readonly string[], required: boolean): SchemaKey[] {
  const entry = asObject(schema.additionalProperties);
  const item = itemOf(schema);
  const key: SchemaKey = {
    path,
    kind: kindOf(schema),
    type: typeOf(schema),
    required,
    default: schema.default,
    meaning: schema.description ?? "",
    tableKey: asObject(schema.propertyNames).title ?? "",
  };
  return [
    key,
    ...keysUnder(schema, path),
    ...keysUnder(entry, [...path, "*"]),
    ...keysUnder(item, [...path, "[]"]),
  ];
}

function kindOf(schema: JsonSchema): SchemaKey["kind"] {
  if (schema.type === "object") return schema.properties === undefined ? "table" : "object";
  if (schema.type === "array") return itemOf(schema).type === "object" ? "table" : "texts";
  if (schema.type === "integer" || schema.type === "number") return "number";
  return schema.type === "boolean" ? "boolean" : "text";
}

function typeOf(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.anyOf !== undefined) return schema.anyOf.map((option) => typeOf(asObject(option))).join(" or ");
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${typeOf(itemOf(schema))}`;
  if (schema.type === "object") return schema.properties === undefined ? tableType(schema) : "object";
  if (schema.type === "integer") return "whole number";
  return schema.type === "boolean" ? "true or false" : "text";
}

function tableType(schema: JsonSchema): string {
  return `table: ${asObject(schema.propertyNames).title} → ${typeOf(asObject(schema.additionalProperties))}`;
}

function itemOf(schema: JsonSchema): JsonSchema {
  return Array.isArray(schema.items) ? {} : asObject(schema.items);
}

/** JSON Schema allows true and false for a schema: neither has keys. */
function asObject(schema: JsonSchema | boolean | undefined): JsonSchema {
  return typeof schema === "object" ? schema : {};
}
