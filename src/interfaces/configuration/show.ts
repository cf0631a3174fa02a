/** The configuration for people and for programs, with nothing in it that should stay secret. */
import { messages } from "./messages.ts";
import type { Configuration, Setting } from "./resolve.ts";

/** The JSON document of `fathom config --json`. */
export function configurationDocument({ settings, warnings }: Configuration) {
  return {
    settings: Object.fromEntries(
      settings.map(({ name, from, place, ...setting }) => [
        name,
        {
          value: shownValue({ name, from, place, ...setting }) ?? null,
          from,
          ...(place !== "" && { place }),
        },
      ]),
    ),
    warnings,
  };
}

/** A table with one line for each setting. */
export function configurationTable({ settings }: Configuration): string {
  const rows = settings.map((setting) => [setting.name, textOf(setting), originOf(setting)]);
  const all = [[...messages.head], ...rows];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map(([name, value, from]) => `${name.padEnd(widths[0])}  ${value.padEnd(widths[1])}  ${from}`)
    .join("\n");
}

function textOf(setting: Setting): string {
  const value = shownValue(setting);
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return messages.notSet;
  return Array.isArray(value) ? value.join(",") : String(value);
}

function originOf({ from, place }: Setting): string {
  if (from === "environment" || from === "flag") return messages.origins[from](place);
  return from === "file" ? place : messages.origins.default;
}

function shownValue({ value, secret }: Setting): unknown {
  if (!secret || value === undefined) return value;
  return withoutPassword(String(value));
}

/**
 * An address with its secrets taken out; anything else as `***`.
 *
 * @example
 * withoutPassword("postgres://fathom:s3cret@db:5432/fathom"); // => "postgres://fathom:***@db:5432/fathom"
 */
export function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return messages.hidden;
  const url = new URL(text);
  if (url.password !== "") url.password = messages.hidden;
  for (const name of [...url.searchParams.keys()])
    if (!/^(sslmode|application_name|host|port|connect_timeout|options)$/.test(name))
      url.searchParams.set(name, messages.hidden);
  return url.href;
}
