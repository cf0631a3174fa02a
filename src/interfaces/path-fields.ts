/** The fields of an input that name files. */
import { resolve } from "node:path";
import type { Capability } from "../base/index.ts";

/** The built-in market, which is no file. */
export const builtIn = "simulated";

/**
 * The input with paths that start in a folder: where a job was asked for is not where it runs. What stands for a stream or for
 * the built-in market stays, and so do models, which are looked up by whoever opens them.
 */
export async function startPathsIn<Input>(
  { paths }: Pick<Capability, "paths">,
  input: Input,
  folder: string,
): Promise<Input> {
  let started: unknown = input;
  for (const path of paths) {
    started = await mapTexts(started, path.split("."), async (text) =>
      text === builtIn || text === "-" ? text : resolve(folder, text),
    );
  }
  return started as Input;
}

/** A copy with `change` applied to the texts at a field; a list has many, and an object names its file in `path`. */
export async function mapTexts(
  value: unknown,
  way: readonly string[],
  change: (text: string) => Promise<string>,
): Promise<unknown> {
  if (typeof value === "string") return way.length === 0 ? change(value) : value;
  if (Array.isArray(value)) return Promise.all(value.map((item) => mapTexts(item, way, change)));
  if (typeof value !== "object" || value === null) return value;
  const [key = "path", ...rest] = way;
  if (!Object.hasOwn(value, key)) return value;
  return { ...value, [key]: await mapTexts((value as Record<string, unknown>)[key], rest, change) };
}
