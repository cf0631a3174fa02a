/** From file, environment and flags, each over the one before, to one object that is right, or to every mistake at once. */
import { PlatformError } from "../../base/index.ts";
import { coerce, flagName } from "../cli/flags.ts";
import { describeIssue, didYouMean, showValue } from "../issues.ts";
import { messages } from "./messages.ts";
import { otherVariables, Settings, secretFileVariables, settingSchemas, variablesOf } from "./schema.ts";

export interface ConfigurationSources {
  /** The file's name as it is shown, and its text; undefined when there is none. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Settings that the command line gave, in their own types. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly from: "default" | "file" | "environment" | "flag";
  /** The file, the variable or the flag; empty for a default. */
  readonly place: string;
  readonly secret: boolean;
}

export interface Configuration {
  readonly values: Settings;
  /** Only what a file, a variable or a flag set: a command lays it over defaults of its own. */
  readonly given: Readonly<Record<string, unknown>>;
  /** All settings, in the order of the schema. */
  readonly settings: readonly Setting[];
  /** Variables that look like ours and are none. */
  readonly warnings: readonly string[];
  /** What is wrong with flags, which a command with fields of its own says in its words; none of them counts then. */
  readonly flagMistakes: readonly string[];
}

interface Layer {
  readonly from: Setting["from"];
  readonly values: Readonly<Record<string, unknown>>;
  readonly placeOf: (name: string) => string;
  /** How a message names a place inside of the layer. */
  readonly nameOf: (path: readonly PropertyKey[]) => string;
}

/**
 * @throws PlatformError `CONFIGURATION_INVALID` with every mistake of every source: where it is, what was expected, what was
 * received, and the nearest name of one that does not exist
 */
export function resolveConfiguration(sources: ConfigurationSources): Configuration {
  const layers = [
    fileLayer(sources.file),
    environmentLayer(sources.environment),
    flagLayer(sources.flags ?? {}),
  ];
  const mistakes = layers.map(mistakesOf);
  // Flags alone are the command's own to judge, in its words.
  if (mistakes[0].length + mistakes[1].length > 0)
    throw new PlatformError("input", "CONFIGURATION_INVALID", messages.mistakes(mistakes.flat()));
  const given: Record<string, unknown> = {};
  for (const { values } of mistakes[2].length > 0 ? layers.slice(0, 2) : layers)
    for (const [name, value] of Object.entries(values)) if (value !== undefined) given[name] = value;
  const values = Settings.parse(given);
  const settings = Object.keys(settingSchemas).map((name): Setting => {
    const layer = layers.findLast((one) => one.values[name] !== undefined && Object.hasOwn(given, name));
    return {
      name,
      value: values[name as keyof Settings],
      from: layer?.from ?? "default",
      place: layer?.placeOf(name) ?? "",
      secret: settingSchemas[name].secret === true,
    };
  });
  return {
    values,
    given,
    settings,
    warnings: unknownVariables(sources.environment),
    flagMistakes: mistakes[2],
  };
}

/** For a command that shows settings and has none of its own. @throws PlatformError `INPUT_INVALID` with every mistake of the flags */
export function expectFlags({ flagMistakes }: Configuration): void {
  if (flagMistakes.length > 0)
    throw new PlatformError("input", "INPUT_INVALID", messages.mistakes(flagMistakes));
}

function fileLayer(file: ConfigurationSources["file"]): Layer {
  const name = file?.name ?? "";
  return {
    from: "file",
    values: file === undefined ? {} : parseFile(file.text, file.name),
    placeOf: () => name,
    nameOf: (path) => `${name}, ${path.map(String).join(".")}`,
  };
}

function environmentLayer(environment: ConfigurationSources["environment"]): Layer {
  const found = Object.keys(settingSchemas).flatMap((name) => {
    const variable = variablesOf(name).find((one) => environment[one]); // empty is as good as not set
    return variable === undefined ? [] : [{ name, variable, text: String(environment[variable]) }];
  });
  const variable = (name: string) => found.find((one) => one.name === name)?.variable ?? name;
  return {
    from: "environment",
    values: Object.fromEntries(found.map(({ name, text }) => [name, readVariable(text, name)])),
    placeOf: variable,
    nameOf: ([name]) => variable(String(name)),
  };
}

function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const values = Object.fromEntries(
    Object.entries(flags).filter(([name]) => Object.hasOwn(settingSchemas, name)),
  );
  return {
    from: "flag",
    values,
    placeOf: (name) => flagName([name]),
    nameOf: (path) => flagName(path.map(String)),
  };
}

/** The text of a variable in the type of its setting. 1 and 0 are what shells write for yes and no. */
function readVariable(text: string, name: string): unknown {
  const schema = settingSchemas[name];
  if (schema.type === "boolean" && /^[01]$/.test(text)) return text === "1";
  return coerce(text, schema, schema);
}

function mistakesOf({ values, nameOf, from }: Layer): string[] {
  const names = Object.keys(settingSchemas);
  const unknown = Object.keys(values).filter((name) => !names.includes(name));
  const parsed = Settings.safeParse(values, { reportInput: true });
  return [
    ...unknown.map(
      (name) => `${nameOf([name])}: ${messages.unknownSetting(didYouMean(name, names, String))}`,
    ),
    ...(parsed.error?.issues ?? [])
      .filter(({ path }) => Object.hasOwn(values, String(path[0])))
      .map((issue) => {
        const name = String(issue.path[0]);
        const { secret, form, type } = settingSchemas[name];
        if (form !== undefined || secret === true) {
          const received = secret === true ? messages.hidden : showValue(values[name]);
          return `${nameOf(issue.path)}: expected ${form ?? "another value"}, received ${received}`;
        }
        const hint =
          from === "environment" && /^tcp:\/\//.test(String(values[name])) ? messages.serviceLink : "";
        return describeIssue(issue, values, nameOf, () => type === "integer") + hint;
      }),
  ];
}

/** @throws PlatformError `CONFIGURATION_INVALID` */
function parseFile(text: string, name: string): Record<string, unknown> {
  const fail = (message: string) =>
    new PlatformError("input", "CONFIGURATION_INVALID", message, { file: name });
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw fail(messages.notJson(name, text.trim() === "" ? "an empty file" : (error as Error).message));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw fail(messages.notObject(name, showValue(value)));
  const { $schema: _, ...settings } = value as Record<string, unknown>;
  return settings;
}

function unknownVariables(environment: ConfigurationSources["environment"]): string[] {
  const known = [
    ...Object.keys(settingSchemas).flatMap(variablesOf),
    ...Object.keys(otherVariables),
    ...secretFileVariables.map(({ fileVariable }) => fileVariable),
  ];
  return Object.keys(environment)
    .filter((name) => name.startsWith("FATHOM_") && environment[name] && !known.includes(name))
    .map((name) => messages.unknownVariable(name, didYouMean(name, known, String)));
}
