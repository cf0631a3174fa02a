/** Every setting of Fathom, in one schema: what it is called in the file, the environment and a flag follows from its name. */
import { z } from "zod";
import { providers } from "../../base/index.ts";
import { ServeSettings } from "../cli/serve.ts";
import { WorkerSettings } from "../cli/worker.ts";
import { kebabCase } from "../names.ts";
import { type JsonSchema, jsonSchemaOf } from "../schema.ts";
import { messages } from "./messages.ts";

/** What every command reads. */
export const CommonSettings = z.object({
  dataFolder: z.string().min(1).default("fathom-data").describe(messages.settings.dataFolder),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\/./)
    .optional()
    .describe(messages.settings.databaseUrl)
    .meta({ secret: true, variables: ["DATABASE_URL"], noFlag: true, form: messages.forms.databaseUrl }),
  provider: z.enum(providers).default("cpu").describe(messages.settings.provider),
  threads: z.int().min(1).max(1024).optional().describe(messages.settings.threads),
  debug: z.boolean().default(false).describe(messages.settings.debug).meta({ noFlag: true }),
});

/** The settings of every command together; a command takes those that its own schema names. */
export const Settings = z.object({
  ...CommonSettings.shape,
  ...WorkerSettings.shape, // what both have has the default of a server here; a worker keeps its own
  ...ServeSettings.shape,
});
export type Settings = z.output<typeof Settings>;

/** Every setting that may be a flag and is not one of every command already. */
export const settingsSchema: JsonSchema = jsonSchemaOf(
  z.object({ ...WorkerSettings.shape, ...ServeSettings.shape }),
);

/** What a schema says of a setting beside its type. */
export interface SettingSchema extends JsonSchema {
  /** Never printed. */
  readonly secret?: boolean;
  /** Variables that others set, read when ours is not there: `PORT`. */
  readonly variables?: readonly string[];
  /** Set in the file or the environment only: a flag would show it to everybody who lists processes. */
  readonly noFlag?: boolean;
  /** What is expected, where the type alone does not say it. */
  readonly form?: string;
}

export const settingSchemas = jsonSchemaOf(Settings).properties as Readonly<Record<string, SettingSchema>>;

/**
 * The variable of a setting.
 *
 * @example
 * variableOf("bodyLimitBytes"); // => "FATHOM_BODY_LIMIT_BYTES"
 */
export function variableOf(name: string): string {
  return `FATHOM_${kebabCase(name).replaceAll("-", "_").toUpperCase()}`;
}

/** Ours first, then those that others set. */
export function variablesOf(name: string): readonly string[] {
  return [variableOf(name), ...(settingSchemas[name]?.variables ?? [])];
}

/** Secrets may lie in files: for each variable of one, the variable that names its file. */
export const secretFileVariables = Object.keys(settingSchemas)
  .filter((name) => settingSchemas[name].secret)
  .flatMap(variablesOf)
  .map((variable) => ({ variable, fileVariable: `${variable}_FILE` }));

/** Variables that are read and are no settings. */
export const otherVariables: Readonly<Record<string, string>> = {
  FATHOM_CONFIG: messages.configVariable,
  FATHOM_UNSIGNED_MODELS: messages.unsignedVariable,
  FATHOM_ARTIFACTS: messages.artifactsVariable,
  FATHOM_ACTOR: messages.actorVariable,
  FATHOM_SHARED: messages.sharedVariable,
};
