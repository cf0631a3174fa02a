/** The flags of a command, read off its input schema, and the values that their text stands for. */
import { kebabCase } from "../names.ts";
import {
  alternatives,
  childrenOf,
  isRecord,
  type JsonSchema,
  propertyNames,
  typesOf,
  typeWords,
} from "../schema.ts";
import { messages } from "./messages.ts";

export interface Flag {
  /** The field's place in the input. */
  readonly path: readonly string[];
  readonly schema: JsonSchema;
}

/** `["cleaning", "maxGap"]` as `--cleaning.max-gap`, and `["horizon", 0]` as `--horizon: item 1`. */
export function flagName(path: readonly PropertyKey[]): string {
  const index = path.findIndex((part) => typeof part === "number");
  const flag = `--${path
    .slice(0, index < 0 ? path.length : index)
    .map((part) => kebabCase(String(part)))
    .join(".")}`;
  if (index < 0) return flag;
  const [item, ...inner] = path.slice(index);
  return [`${flag}: ${messages.item(Number(item) + 1)}`, ...inner.map(String)].join(".");
}

/** Every flag of an input, in the order of the schema; an object with named fields is listed as its fields. */
export function flagsOf(root: JsonSchema): (Flag & { readonly required: boolean })[] {
  const visit = (schema: JsonSchema, above: readonly string[], needed: boolean): ReturnType<typeof flagsOf> =>
    propertyNames(schema, root).flatMap((name) => {
      const path = [...above, name];
      const field = oneSchema(childrenOf(schema, name, root));
      const required = needed && alternatives(schema, root).every((one) => one.required?.includes(name));
      const inner = path.length < 6 ? visit(field, path, required && field.default === undefined) : [];
      const objectOnly = alternatives(field, root).every((one) => typesOf(one).includes("object"));
      if (inner.length > 0 && objectOnly && !isRecord(field, root)) return inner;
      return [{ path, schema: field, required: required && field.default === undefined }, ...inner];
    });
  return visit(root, [], true);
}

/** The flag that a user wrote without its dashes, in kebab-case or as spelled in the schema; undefined when unknown. */
export function findFlag(written: string, root: JsonSchema): Flag | undefined {
  let schema = root;
  const path: string[] = [];
  const parts = written.split(".");
  for (let i = 0; i < parts.length; i++) {
    const names = propertyNames(schema, root);
    const name = names.find((one) => one === parts[i]) ?? names.find((one) => kebabCase(one) === parts[i]);
    if (name !== undefined) {
      schema = oneSchema(childrenOf(schema, name, root));
      path.push(name);
      continue;
    }
    if (!isRecord(schema, root) || parts[i] === "" || parts[i] === "__proto__") return undefined;
    schema = oneSchema(childrenOf(schema, parts[i], root));
    const ends = propertyNames(schema, root).length === 0 && !isRecord(schema, root);
    path.push(ends ? parts.slice(i).join(".") : parts[i]); // a key such as BRK.B may hold a dot itself
    if (ends) break;
  }
  return { path, schema };
}

/** Whether a flag stands for `true` when no value follows it. */
export function isSwitch(schema: JsonSchema, root: JsonSchema): boolean {
  const types = alternatives(schema, root).flatMap(typesOf);
  return types.includes("boolean") && types.every((type) => type === "boolean" || type === "null");
}

/** Whether a flag may be repeated. */
export function isList(schema: JsonSchema, root: JsonSchema): boolean {
  return alternatives(schema, root).some((one) => typesOf(one).includes("array"));
}

/** What a user must write after the flag, in a few words. */
export function valueWords(schema: JsonSchema, root: JsonSchema): string {
  return typeWords(schema, root);
}

/**
 * The value that a text stands for where `schema` is expected. A text that fits nothing stays as it is, so that the
 * schema's own check names what was expected and what was received.
 */
export function coerce(text: string, schema: JsonSchema, root: JsonSchema): unknown {
  const options = alternatives(schema, root);
  for (const one of options) {
    const named = (one.enum ?? (one.const === undefined ? [] : [one.const])).find(
      (value) => String(value) === text,
    );
    if (named !== undefined) return named;
  }
  const types = new Set(
    options.filter((one) => one.enum === undefined && one.const === undefined).flatMap(typesOf),
  );
  if ((types.has("number") || types.has("integer")) && numberPattern.test(text)) return Number(text);
  if (types.has("boolean") && (text === "true" || text === "false")) return text === "true";
  if (types.has("null") && text === "null") return null;
  if ((types.has("array") && text.startsWith("[")) || (types.has("object") && text.startsWith("{"))) {
    const parsed = parseJson(text);
    if (parsed !== undefined) return parsed;
  }
  if (types.has("array") && (text.includes(",") || !types.has("string"))) {
    if (text === "") return [];
    return text.split(",").map((part, i) => {
      const item = options.flatMap(({ prefixItems, items }) => prefixItems?.[i] ?? items ?? []);
      return coerce(part.trim(), oneSchema(item), root);
    });
  }
  return text;
}

const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^NaN$|^[+-]?Infinity$/i;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema's check says what was expected instead
  }
}

function oneSchema(schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? schemas[0] : { anyOf: schemas };
}
