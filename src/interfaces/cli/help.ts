/** Help pages, generated from the capabilities and their schemas. */
import type { Capability } from "../../base/index.ts";
import { serviceSummaries } from "../messages.ts";
import { addressOf } from "../names.ts";
import { alternatives, type JsonSchema, jsonSchemaOf } from "../schema.ts";
import { commonFlags } from "./arguments.ts";
import { flagName, flagsOf, isSwitch, valueWords } from "./flags.ts";
import { messages } from "./messages.ts";

/** A command that is not a capability, such as `serve`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly schema: JsonSchema;
  /** The field that may stand as a plain word. */
  readonly positional?: string | undefined;
}

/** The page of `fathom --help`. */
export function rootHelp(
  capabilities: readonly Capability[],
  commands: readonly Command[],
  { version, width }: { version: string; width: number },
): string {
  const services = [...new Set(capabilities.map((capability) => addressOf(capability).service))];
  const rows = services.flatMap((service) => [
    [service, serviceSummaries[service] ?? ""] as const,
    ...actionRows(capabilities, service).map(([name, summary]) => [`  ${name}`, summary] as const),
  ]);
  return page([
    messages.title(version),
    section(messages.usage, [
      "fathom <service> <action> [flags]",
      ...commands.map(({ name }) => `fathom ${name} [flags]`),
    ]),
    section(messages.commands, [
      ...table([...rows, ...commands.map(({ name, summary }) => [name, summary] as const)], width),
    ]),
    commonSection(width),
    section(messages.environment, [...messages.environmentNotes]),
    section(messages.exitStatuses, messages.statuses),
    messages.moreHelp,
  ]);
}

/** The page of `fathom <service> --help`. */
export function serviceHelp(capabilities: readonly Capability[], service: string, width: number): string {
  return page([
    `fathom ${service}${serviceSummaries[service] ? `: ${serviceSummaries[service]}` : ""}`,
    section(messages.usage, [`fathom ${service} <action> [flags]`]),
    section(messages.actions, table(actionRows(capabilities, service), width)),
    messages.moreHelp,
  ]);
}

/** The page of `fathom <service> <action> --help`. */
export function actionHelp(capability: Capability, width: number): string {
  const { service, action } = addressOf(capability);
  return commandHelp(
    {
      name: `${service} ${action}`,
      summary: capability.summary,
      schema: jsonSchemaOf(capability.input),
      positional: capability.positional,
    },
    width,
  );
}

/** The page of a command. */
export function commandHelp({ name, summary, schema, positional }: Command, width: number): string {
  const flags = flagsOf(schema);
  const needed = flags
    .filter(({ required }) => required)
    .map(({ path, schema: field }) =>
      path.join() === positional ? `<${positional}>` : `${flagName(path)} <${valueWords(field, schema)}>`,
    );
  return page([
    `fathom ${name}: ${summary}`,
    section(messages.usage, [["fathom", name, ...needed, "[flags]"].join(" ")]),
    section(
      messages.flags,
      table(
        flags.map(({ path, schema: field, required }) => [
          isSwitch(field, schema) ? flagName(path) : `${flagName(path)} <${valueWords(field, schema)}>`,
          describe(field, required, schema),
        ]),
        width,
      ),
    ),
    commonSection(width),
    wrap(messages.jsonNote, width).join("\n"),
  ]);
}

function actionRows(capabilities: readonly Capability[], service: string): (readonly [string, string])[] {
  return capabilities
    .filter((capability) => addressOf(capability).service === service)
    .map((capability) => [addressOf(capability).action, capability.summary] as const);
}

function commonSection(width: number): string {
  const rows = Object.entries(commonFlags).map(([name, schema]) => {
    const words = schema.enum ? valueWords(schema, schema) : messages.path;
    const flag = flagName([name]);
    return [isSwitch(schema, schema) ? flag : `${flag} <${words}>`, schema.description ?? ""] as const;
  });
  return section(messages.commonFlags, table(rows, width));
}

/** The description, then what else is known: required or default, and bounds. */
function describe(field: JsonSchema, required: boolean, root: JsonSchema): string {
  const description =
    field.description ?? alternatives(field, root).find((one) => one.description)?.description;
  const facts = [
    required ? messages.required : undefined,
    field.default === undefined ? undefined : messages.defaultsTo(defaultWords(field.default)),
    rangeWords(alternatives(field, root)),
  ].filter((fact) => fact !== undefined);
  return [description, facts.length > 0 ? `(${facts.join(", ")})` : undefined].filter(Boolean).join(" ");
}

function defaultWords(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== "object"))
    return value.join(",") || "empty";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function rangeWords(options: readonly JsonSchema[]): string | undefined {
  const numeric = options.find((one) => one.type === "number" || one.type === "integer");
  if (!numeric) return undefined;
  const real = (bound: number | undefined) =>
    bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;
  const [low, high] = [real(numeric.minimum), real(numeric.maximum)];
  if (low !== undefined && high !== undefined) return messages.range.between(low, high);
  const words = [
    low === undefined ? undefined : messages.range.atLeast(low),
    numeric.exclusiveMinimum === undefined ? undefined : messages.range.above(numeric.exclusiveMinimum),
    high === undefined ? undefined : messages.range.atMost(high),
    numeric.exclusiveMaximum === undefined ? undefined : messages.range.below(numeric.exclusiveMaximum),
  ].filter((word) => word !== undefined);
  return words.length > 0 ? words.join(", ") : undefined;
}

function page(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`${title}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Two columns; a name that is too long for the first has its text on the lines below. */
function table(rows: readonly (readonly [string, string])[], width: number): string[] {
  const column = Math.min(30, Math.max(0, ...rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, Math.max(30, width - column - 2)).map((line) => " ".repeat(column) + line);
    if (name.length + 2 > column) return [name, ...lines];
    return lines.length === 0 ? [name] : [name.padEnd(column) + lines[0].trimStart(), ...lines.slice(1)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}
