/** From what a caller sent to a checked output: the same steps behind every interface. */
import type { z } from "zod";
import { type Capability, type Context, missingRight, PlatformError } from "../base/index.ts";
import { describeIssue, didYouMean, type NameField } from "./issues.ts";
import { scopeMissing } from "./messages.ts";
import {
  alternatives,
  childrenOf,
  isRecord,
  type JsonSchema,
  jsonSchemaOf,
  propertyNames,
} from "./schema.ts";

/**
 * The input of a capability with its defaults filled in.
 *
 * @param nameField how to write the place of a field in a message
 * @throws PlatformError `INPUT_INVALID` naming every wrong or unknown field, what was expected and what was received
 */
export function parseInput<I extends z.ZodObject>(
  capability: Pick<Capability<I>, "name" | "input">,
  raw: unknown,
  nameField: NameField,
): z.output<I> {
  const schema = jsonSchemaOf(capability.input);
  const unknown = unknownFields(raw, schema, schema, []).map(({ path, known }) => {
    const key = String(path.at(-1));
    const write = (name: unknown) => nameField([...path.slice(0, -1), String(name)]);
    return {
      path,
      message: `${nameField(path)}: is not a field of ${capability.name}${didYouMean(key, known, write)}`,
    };
  });
  const parsed = capability.input.safeParse(raw, { reportInput: true });
  const wrong = (parsed.error?.issues ?? [])
    .filter((issue) => issue.code !== "unrecognized_keys") // already found above
    .map((issue) => ({
      path: issue.path,
      message: describeIssue(issue, raw, nameField, (path) => isWhole(path, schema)),
    }));
  const problems = [...unknown, ...wrong];
  if (parsed.success && problems.length === 0) return parsed.data;
  const [first] = problems;
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    problems.map(({ message }) => message).join("; ") || `${capability.name}: expected other fields`,
    first && first.path.length > 0 ? { field: first.path.join(".") } : {},
  );
}

/**
 * Runs a capability on a parsed input. What it answers with is held to its output schema.
 *
 * @throws PlatformError `SCOPE_MISSING` when the input asks for more than the caller may do, and what the capability throws
 */
export async function call<I extends z.ZodObject, O extends z.ZodType>(
  capability: Capability<I, O>,
  input: z.output<I>,
  context: Context,
): Promise<z.output<O>> {
  const { scopes } = context;
  const missing = missingRight(scopes, capability, input);
  if (missing !== undefined)
    throw new PlatformError("forbidden", "SCOPE_MISSING", scopeMissing(missing.name, scopes ?? []));
  const output = capability.output.safeParse(await capability.run(input, context), { reportInput: true });
  if (output.success) return output.data;
  const found = output.error.issues.map((issue) => describeIssue(issue, undefined, (path) => path.join(".")));
  throw new Error(`${capability.name} answered with another output than it declares: ${found.join("; ")}`);
}

/** Whether every alternative at a place of the input takes whole numbers only. */
function isWhole(path: readonly PropertyKey[], root: JsonSchema): boolean {
  const places = path.reduce<JsonSchema[]>(
    (schemas, key) =>
      schemas.flatMap((schema) =>
        typeof key === "number"
          ? alternatives(schema, root).flatMap((one) => (one.items ? [one.items] : []))
          : childrenOf(schema, String(key), root),
      ),
    [root],
  );
  const options = places.flatMap((schema) => alternatives(schema, root));
  return options.length > 0 && options.every((one) => one.type === "integer");
}

/** Fields that no schema names; zod would drop them in silence. */
function unknownFields(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema,
  path: readonly PropertyKey[],
): { path: readonly PropertyKey[]; known: readonly string[] }[] {
  if (Array.isArray(value)) {
    const items = alternatives(schema, root).flatMap((one) => (one.items ? [one.items] : []));
    return items.length === 1
      ? value.flatMap((item, index) => unknownFields(item, items[0], root, [...path, index]))
      : [];
  }
  if (typeof value !== "object" || value === null) return [];
  const known = propertyNames(schema, root);
  const isNamed = alternatives(schema, root).some(({ properties }) => properties !== undefined);
  if (!isNamed || isRecord(schema, root)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, key];
    if (!known.includes(key)) return [{ path: at, known }];
    const [child, ...others] = childrenOf(schema, key, root);
    return child === undefined
      ? []
      : unknownFields(inner, others.length ? { anyOf: [child, ...others] } : child, root, at);
  });
}
