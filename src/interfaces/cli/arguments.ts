/** From the words after the action to an input: flags are resolved against the schema and laid over `--input`. */
import { z } from "zod";
import { PlatformError, providers, suggest } from "../../base/index.ts";
import { describeIssue, showValue } from "../issues.ts";
import { type JsonSchema, jsonSchemaOf } from "../schema.ts";
import { coerce, type Flag, findFlag, flagName, flagsOf, isList, isSwitch, valueWords } from "./flags.ts";
import { messages } from "./messages.ts";

const Common = z.object({
  input: z.string().min(1).optional().describe(messages.common.input),
  json: z.boolean().optional().describe(messages.common.json),
  dataFolder: z.string().min(1).optional().describe(messages.common.dataFolder),
  provider: z.enum(providers).optional().describe(messages.common.provider),
  threads: z.int().min(1).max(1024).optional().describe(messages.common.threads),
  detach: z.boolean().optional().describe(messages.common.detach),
  config: z.string().min(1).optional().describe(messages.common.config),
  quiet: z.boolean().optional().describe(messages.common.quiet),
  help: z.boolean().optional().describe(messages.common.help),
  version: z.boolean().optional().describe(messages.common.version),
});
type Common = z.output<typeof Common>;

/** Flags that every command has; no capability may have a field of these names. */
const commonSchema: JsonSchema = jsonSchemaOf(Common);
export const commonFlags = commonSchema.properties as Readonly<Record<keyof Common, JsonSchema>>;

const shortFlags: Readonly<Record<string, string>> = { "-h": "--help", "-V": "--version", "-q": "--quiet" };

export interface Arguments {
  readonly common: Common;
  /** Fields given as flags, in the order of the command line. */
  readonly fields: readonly { readonly path: readonly string[]; readonly value: unknown }[];
}

/** @throws PlatformError `INPUT_INVALID` for a flag that is unknown, given twice or without its value, or a common one of a wrong value */
export function parseArguments(words: readonly string[], schema: JsonSchema): Arguments {
  const given = new Map<string, { flag: Flag; value: unknown }>();
  for (let i = 0; i < words.length; i++) {
    const word = shortFlags[words[i]] ?? words[i];
    if (!/^--./.test(word)) throw usage(messages.unexpectedArgument(word));
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const { flag, root, negated } = resolve(name, schema);
    let text = equals < 0 ? undefined : word.slice(equals + 1);
    if (negated && text !== undefined) throw usage(messages.takesNoValue(`--${name}`, text));
    if (text === undefined && !negated) {
      const next = words[i + 1];
      const takesNext = isSwitch(flag.schema, root)
        ? next === "true" || next === "false"
        : next !== undefined && !/^--./.test(next);
      if (takesNext) {
        text = next;
        i++;
      } else if (!isSwitch(flag.schema, root)) {
        throw usage(messages.needsValue(`--${name}`, valueWords(flag.schema, root)));
      }
    }
    const value = text === undefined ? !negated : coerce(text, flag.schema, root);
    const id = (root === commonSchema ? ":" : "") + flag.path.join("\0");
    const before = given.get(id);
    if (before && !isList(flag.schema, root)) throw usage(messages.givenTwice(`--${name}`));
    given.set(id, { flag, value: before ? [before.value, value].flat() : value });
  }
  const all = [...given];
  return {
    common: checkCommon(
      Object.fromEntries(
        all.filter(([id]) => id.startsWith(":")).map(([, { flag, value }]) => [flag.path[0], value]),
      ),
    ),
    fields: all
      .filter(([id]) => !id.startsWith(":"))
      .map(([, { flag, value }]) => ({
        path: flag.path,
        value: isOnlyList(flag.schema) ? [value].flat() : value,
      })),
  };
}

function checkCommon(given: Readonly<Record<string, unknown>>): Common {
  const parsed = Common.safeParse(given, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw usage(parsed.error.issues.map((issue) => describeIssue(issue, given, flagName)).join("; "));
}

/**
 * The words with the flags of every command moved behind the command, so that they may stand before it too:
 * `fathom --json forecast train`.
 */
export function commonLast(words: readonly string[]): readonly string[] {
  let i = 0;
  while (i < words.length) {
    const word = shortFlags[words[i]] ?? words[i];
    const flag = /^--./.test(word) ? findCommon(word.slice(2).split("=")[0]) : undefined;
    if (flag === undefined) break;
    const next = words[i + 1];
    const takesNext = isSwitch(flag.schema, commonSchema) ? next === "true" || next === "false" : true;
    i += takesNext && !word.includes("=") && next !== undefined ? 2 : 1;
  }
  return [...words.slice(i), ...words.slice(0, i)];
}

/**
 * Whether a switch of every command is on, as far as can be told before the words were checked: a failure has to be shown as
 * it was asked for. The last of several counts.
 */
export function isOn(name: "json" | "quiet" | "help" | "version", words: readonly string[]): boolean {
  return words.reduce((on, given, i) => {
    const word = shortFlags[given] ?? given;
    if (word === `--no-${name}`) return false;
    if (word === `--${name}`) return words[i + 1] !== "false";
    return word.startsWith(`--${name}=`) ? word === `--${name}=true` : on;
  }, false);
}

function findCommon(name: string): Flag | undefined {
  return findFlag(name, commonSchema) ?? findFlag(name.replace(/^no-/, ""), commonSchema);
}

/** Lays the flags over the fields of `--input`; neither is changed. */
export function overlay(
  base: Readonly<Record<string, unknown>>,
  fields: Arguments["fields"],
): Record<string, unknown> {
  const result = structuredClone(base) as Record<string, unknown>;
  for (const { path, value } of fields) {
    let place = result;
    for (const key of path.slice(0, -1)) {
      const inner = Object.hasOwn(place, key) ? place[key] : undefined;
      const open = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {};
      place[key] = open;
      place = open as Record<string, unknown>;
    }
    place[path[path.length - 1]] = value;
  }
  return result;
}

/** The JSON object of `--input`. @throws PlatformError `INPUT_INVALID` with the line where the JSON ends to be JSON */
export function parseRequest(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (text.trim() === "") throw usage(messages.inputNotJson(source, "an empty text"));
    const position = /at position (\d+)/.exec((error as Error).message);
    const line = position ? text.slice(0, Number(position[1])).split("\n").length : undefined;
    const where = line === undefined ? source : `${source}, line ${line}`;
    const reason = (error as Error).message.replace(/ in JSON at position.*$| \(line.*$/s, "");
    throw usage(messages.inputNotJson(where, lowerFirst(reason)), { file: source, ...(line && { line }) });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usage(messages.inputNotObject(source, showValue(value)), { file: source });
  }
  return value as Record<string, unknown>;
}

function resolve(name: string, schema: JsonSchema): { flag: Flag; root: JsonSchema; negated: boolean } {
  for (const root of [schema, commonSchema]) {
    const flag = findFlag(name, root);
    if (flag) return { flag, root, negated: false };
    const positive = /(^|\.)no-(?=[^.]+$)/.test(name) ? name.replace(/(^|\.)no-(?=[^.]+$)/, "$1") : undefined;
    const switched = positive === undefined ? undefined : findFlag(positive, root);
    if (switched && isSwitch(switched.schema, root)) return { flag: switched, root, negated: true };
  }
  const names = [...flagsOf(schema), ...flagsOf(commonSchema)].map(({ path }) => flagName(path));
  const near = suggest(`--${name}`, names);
  throw usage(messages.unknownFlag(`--${name}`, near.length > 0 ? messages.didYouMean(near) : ""));
}

/** A list field given one value still is a list. */
function isOnlyList(schema: JsonSchema): boolean {
  return (
    schema.type === "array" || (Array.isArray(schema.type) && schema.type.every((t) => /array|null/.test(t)))
  );
}

function usage(message: string, details: { file?: string; line?: number } = {}): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message, details);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
