/** From what a request says to the input of a capability: what the server fills in, the schema, and the data folder. */
import { basename } from "node:path";
import type { Capability } from "../../base/index.ts";
import { parseInput } from "../call.ts";
import { confinePaths, isElsewhere } from "./paths.ts";

type Fields = Readonly<Record<string, unknown>>;

export const nameField = (path: readonly PropertyKey[]) => path.map(String).join(".");

/**
 * @param filledIn what the server fills in, chosen by whoever started it: a served model may lie anywhere
 * @throws PlatformError `INPUT_INVALID` or `FILE_FORBIDDEN` naming the field
 */
export async function inputOf(
  capability: Capability,
  raw: Fields,
  { filledIn = {}, dataFolder }: { readonly filledIn?: Fields | undefined; readonly dataFolder: string },
): Promise<Record<string, unknown>> {
  const said = Object.fromEntries(
    Object.entries(raw).filter(([field, value]) => !isServedName(value, filledIn[field], dataFolder)),
  );
  const input = parseInput(capability, { ...filledIn, ...said }, nameField);
  const isAsked = (field: string) => Object.hasOwn(said, field) || !Object.hasOwn(filledIn, field);
  const asked = Object.fromEntries(Object.entries(input).filter(([field]) => isAsked(field)));
  return { ...input, ...(await confinePaths(capability, asked, dataFolder)) };
}

/** Whether a request says what answers call a served model that lies outside of the data folder: in a route and in a job alike. */
export function isServedName(said: unknown, served: unknown, dataFolder: string): boolean {
  return typeof served === "string" && isElsewhere(served, dataFolder) && said === basename(served);
}
