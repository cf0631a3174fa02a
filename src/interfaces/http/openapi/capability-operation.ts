/** A capability as an operation: its schemas, an example that works, and whether it answers at once. */
import { basename } from "node:path";
import { z } from "zod";
import type { Capability } from "../../../base/index.ts";
import { addressOf } from "../../names.ts";
import { alternatives, type JsonSchema, jsonSchemaOf, propertyNames, typesOf } from "../../schema.ts";
import { messages } from "../messages.ts";
import { type Json, json, type Operation, ref, text } from "./operation.ts";

/** The address of a capability's route. */
export function routeOf(capability: Pick<Capability, "name">): string {
  const { service, action } = addressOf(capability);
  return `/v1/${service}/${action}`;
}

/** How a capability is asked to run in the background, where it would answer at once. */
export const Mode = z.object({ mode: z.enum(["job"]).optional().describe(messages.modeDescription) });

/** @param filledIn what the server fills in when a request leaves it out */
export function capabilityOperation(
  capability: Capability,
  filledIn: Readonly<Record<string, unknown>>,
): Operation {
  const { service, action } = addressOf(capability);
  const name = pascalCase(capability.name);
  const schemas: Json = {};
  const input = withDefaults(jsonSchemaOf(capability.input), filledIn);
  schemas[`${name}Input`] = hoist(input, `${name}Input`, schemas);
  schemas[`${name}Output`] = hoist(jsonSchemaOf(capability.output, "output"), `${name}Output`, schemas);
  const isSecret = capability.secretOutput === true;
  return {
    id: `${service}-${action}`,
    tag: service,
    summary: capability.summary,
    ...(!isSecret && { query: Mode }),
    headers: [keyParameter],
    body: {
      required: true,
      content: { "application/json": { schema: ref(`${name}Input`), example: exampleOf(input, input) } },
    },
    answers: {
      ...(capability.mode === "answer" && { 200: json(messages.answer, ref(`${name}Output`)) }),
      ...(!isSecret && { 202: accepted(capability.name, ref(`${name}Output`)) }),
    },
    refusals: [400, 404, 409, 413, 415],
    schemas,
  };
}

const keyParameter = {
  name: "Idempotency-Key",
  in: "header",
  description: messages.keyDescription,
  schema: { ...text, maxLength: 200 },
};

/** A task, and what its output will be when it is done. */
function accepted(capability: string, output: Json): Json {
  const task = { type: "object", properties: { capability: { const: capability }, output } };
  return json(
    messages.accepted,
    { allOf: [ref("TaskAnswer"), { type: "object", properties: { task } }] },
    { headers: { Location: { description: messages.location, schema: text } } },
  );
}

/**
 * A request that the schema accepts: the examples and defaults it states, else the plainest value of each required field.
 */
export function exampleOf(schema: JsonSchema, root: JsonSchema): unknown {
  if (schema.examples && schema.examples.length > 0) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  const [one] = alternatives(schema, root);
  if (one !== schema && one.examples && one.examples.length > 0) return one.examples[0];
  if (one.const !== undefined) return one.const;
  if (one.enum) return one.enum[0];
  switch (typesOf(one)[0]) {
    case "object":
      return Object.fromEntries(
        propertyNames(one, root)
          .filter((name) => one.required?.includes(name) || one.properties?.[name].examples)
          .map((name): [string, JsonSchema] => [name, one.properties?.[name] ?? {}])
          .map(([name, field]) => [name, exampleOf({ ...field, ...knownExample(name, field) }, root)]),
      );
    case "array":
      return one.items ? [exampleOf(one.items, root)] : [];
    case "integer":
    case "number":
      return Math.max(1, one.minimum ?? 1);
    case "boolean":
      return true;
    case "string":
      return one.format === "date" ? "2024-01-31" : "text";
    default:
      return null;
  }
}

/** Values for fields that state no example of their own, where they work on every server; the first that fits the schema counts. */
const knownExamples: Readonly<Record<string, readonly unknown[]>> = {
  data: ["simulated"],
  prices: ["simulated"],
  weights: [{ FIN01: 0.6, TEC01: 0.4 }],
  value: [10_000],
  artifact: ["my-model"],
  out: ["my-model", "my-model.onnx"],
  model: ["spy"],
  reference: ["spy@challenger"],
  alias: ["challenger"],
  capability: ["forecast.train"],
  id: ["2f92a454-bcb0-4cef-834f-a8afd6455ac9"],
  name: ["nightly"],
  subject: ["person-4711"],
  key: ["factory.pem", "0123456789abcdef"],
};

function knownExample(name: string, { pattern, examples }: JsonSchema): { examples?: readonly unknown[] } {
  if (examples !== undefined) return { examples };
  const fits = (value: unknown) => pattern === undefined || new RegExp(pattern).test(String(value));
  const [found] = (knownExamples[name] ?? []).filter(fits);
  return found === undefined ? {} : { examples: [found] };
}

/** The first letter of each part large: `forecast.train` as `ForecastTrain`. */
function pascalCase(name: string): string {
  return name.replace(/(^|[.-])([a-z])/gi, (_, __, letter: string) => letter.toUpperCase());
}

function withDefaults(schema: JsonSchema, defaults: Readonly<Record<string, unknown>>): JsonSchema {
  const names = Object.keys(defaults);
  if (names.length === 0) return schema;
  const stated = names.map((name) => {
    const description = messages.servedDefault(basename(String(defaults[name]))); // where it lies is nobody's business
    return [name, { ...schema.properties?.[name], description }] as const;
  });
  return {
    ...schema,
    properties: { ...schema.properties, ...Object.fromEntries(stated) },
    required: (schema.required ?? []).filter((name) => !names.includes(name)),
  };
}

/** Definitions inside a schema move to the document's own, since references count from the document's root. */
function hoist(schema: JsonSchema, name: string, schemas: Json): unknown {
  const { $defs, ...rest } = schema;
  const rename = (reference: string) =>
    reference === "#"
      ? `#/components/schemas/${name}`
      : reference.replace("#/$defs/", `#/components/schemas/${name}.`);
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "$ref" && typeof inner === "string" ? rename(inner) : rewrite(inner),
      ]),
    );
  };
  for (const [key, definition] of Object.entries($defs ?? {}))
    schemas[`${name}.${key}`] = rewrite(definition);
  return rewrite(rest);
}
