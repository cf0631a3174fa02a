/** Writes docs/configuration.md from the schema of the settings. */
import {
  type SettingSchema,
  secretFileVariables,
  variablesOf,
} from "../../src/interfaces/configuration/index.ts";
import { kebabCase } from "../../src/interfaces/names.ts";
import { typeWords } from "../../src/interfaces/schema.ts";

export function configurationPage({
  settings,
  common,
  others,
}: {
  readonly settings: Readonly<Record<string, SettingSchema>>;
  /** Names of the settings that every command reads. */
  readonly common: readonly string[];
  readonly others: Readonly<Record<string, string>>;
}): string {
  const row = (name: string) => {
    const schema = settings[name];
    const flag = schema.noFlag ? "" : `\`--${kebabCase(name)}\``;
    const variables = variablesOf(name).map((variable) => `\`${variable}\``);
    return `| \`${name}\` | ${flag} | ${variables.join(", ")} | ${typeText(schema)} | ${defaultText(schema)} | ${describe(schema)} |`;
  };
  const table = (names: readonly string[]) => [
    "| setting | flag | environment | type | default | meaning |",
    "| --- | --- | --- | --- | --- | --- |",
    ...names.map(row),
    "",
  ];
  const rest = Object.keys(settings).filter((name) => !common.includes(name));
  return [
    "# Configuration",
    "",
    "Every setting can stand in three places. A flag wins over the environment, the environment over the file, the file over the",
    "default:",
    "",
    "1. the file `fathom.config.json` of the folder that you stand in, or the one that `--config` or `FATHOM_CONFIG` names: a JSON",
    "   object with the names of the first column;",
    "2. the environment; an empty variable counts as not set; lists are written `a,b`, yes and no `true`/`1` and `false`/`0`;",
    "3. flags; `--no-keys` is `--keys false`.",
    "",
    "```sh",
    "node bin/fathom.js config          # every setting, its value, and where it comes from; secrets hidden",
    "node bin/fathom.js config --json   # the same for programs",
    "node bin/fathom.js doctor          # whether this machine is ready for it",
    "```",
    "",
    "Everything is checked before a command begins, and every mistake is listed at once, with its place, what was expected and what was",
    "received (`CONFIGURATION_INVALID`, status 2). A variable that begins with `FATHOM_` and is none of these is warned of.",
    "",
    "This page is written from the schema by `UPDATE=1 npm test -- test/configuration-page`; a test keeps them equal.",
    "",
    "## Every command",
    "",
    ...table(common),
    "## Servers and workers",
    "",
    ...table(rest),
    "## Other variables",
    "",
    "| variable | meaning |",
    "| --- | --- |",
    ...secretFileVariables.map(
      ({ variable, fileVariable }) =>
        `| \`${fileVariable}\` | a file whose text is \`${variable}\`, as container platforms mount secrets |`,
    ),
    ...Object.entries(others).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    "",
  ].join("\n");
}

function typeText(schema: SettingSchema): string {
  if (schema.secret) return "secret text";
  return typeWords(schema).replaceAll(" | ", ", ").replaceAll("|", "\\|");
}

function defaultText({ default: value }: SettingSchema): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function describe({ description = "" }: SettingSchema): string {
  return description.replaceAll("|", "\\|");
}
