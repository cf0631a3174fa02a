/**
 * Reading a capability's input as JSON Schema: the one description from which flags, help, forms and the OpenAPI document
 * are made.
 */
import { z } from "zod";

/** The part of JSON Schema 2020-12 that zod writes. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

const cache = new WeakMap<z.ZodType, Map<"input" | "output", JsonSchema>>();

/** The JSON Schema of what is sent in (`input`, defaults may be left out) or comes back (`output`). */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output" = "input"): JsonSchema {
  const known = cache.get(schema) ?? new Map<"input" | "output", JsonSchema>();
  cache.set(schema, known);
  let found = known.get(io);
  if (!found) {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
    found = rest as JsonSchema;
    known.set(io, found);
  }
  return found;
}

/** The schemas that a value may match: references followed, unions opened, intersections taken apart. */
export function alternatives(schema: JsonSchema, root: JsonSchema, depth = 0): JsonSchema[] {
  if (depth > 20) return [schema]; // a schema that refers to itself through unions only
  if (schema.$ref !== undefined) {
    const target = schema.$ref === "#" ? root : root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    return target ? alternatives(target, root, depth + 1) : [schema];
  }
  const parts = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  return parts ? parts.flatMap((part) => alternatives(part, root, depth + 1)) : [schema];
}

/** The JSON types of one alternative: `number`, `integer`, `string`, `boolean`, `array`, `object`, `null`. */
export function typesOf(schema: JsonSchema): readonly string[] {
  if (schema.type !== undefined) return typeof schema.type === "string" ? [schema.type] : schema.type;
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  return [...new Set(values.map((value) => (value === null ? "null" : typeof value)))];
}

/** The values that a schema names one by one, of all its alternatives. */
export function choicesOf(schema: JsonSchema, root: JsonSchema): unknown[] {
  return alternatives(schema, root).flatMap(
    (one) => one.enum ?? (one.const === undefined ? [] : [one.const]),
  );
}

/** The schemas of a key of an object, of all the schema's alternatives; a record has its value schema for every key. */
export function childrenOf(schema: JsonSchema, key: string, root: JsonSchema): JsonSchema[] {
  return alternatives(schema, root).flatMap((one) => {
    if (one.properties && Object.hasOwn(one.properties, key)) return [one.properties[key]];
    return typeof one.additionalProperties === "object" && one.additionalProperties !== null
      ? [one.additionalProperties]
      : [];
  });
}

/** The names of an object's properties, of all the schema's alternatives. */
export function propertyNames(schema: JsonSchema, root: JsonSchema): string[] {
  return [
    ...new Set(
      alternatives(schema, root).flatMap((one) => (one.properties ? Object.keys(one.properties) : [])),
    ),
  ];
}

/** Whether a schema takes objects with keys that it does not name. */
export function isRecord(schema: JsonSchema, root: JsonSchema): boolean {
  return alternatives(schema, root).some(
    (one) => one.additionalProperties !== undefined && one.additionalProperties !== false,
  );
}

/**
 * A few words for what a field takes, such as `whole number`, `text, text, ...` or `a | b`.
 *
 * @example
 * typeWords({ type: "array", items: { type: "string" } }); // => "text,..."
 */
export function typeWords(schema: JsonSchema, root: JsonSchema = schema): string {
  const words = alternatives(schema, root).flatMap((one): string[] => {
    if (one.enum) return one.enum.map(String);
    if (one.const !== undefined) return [String(one.const)];
    return typesOf(one).map((type) => {
      if (one.prefixItems) return one.prefixItems.map((item) => typeWords(item, root)).join(",");
      if (type === "array") return `${one.items ? typeWords(one.items, root) : "text"},...`;
      if (type === "string") return one.format === "date" ? "YYYY-MM-DD" : "text";
      return plainTypes[type] ?? type;
    });
  });
  return [...new Set(words)].filter((word) => word !== "null").join(" | ") || "value";
}

const plainTypes: Readonly<Record<string, string>> = {
  integer: "whole number",
  number: "number",
  boolean: "true | false",
  object: "object",
};
