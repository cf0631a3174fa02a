/**
 * Paths in requests and answers: a caller over the network sees the data folder and nothing else of the disk, and what an answer names
 * can be named in a request.
 */
import { realpathSync } from "node:fs";
import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { type Capability, PlatformError } from "../../base/index.ts";
import { artifactFolder, ownFolders, systemCode } from "../../platform/local/index.ts";
import { builtIn, mapTexts } from "../path-fields.ts";
import { messages } from "./messages.ts";

/**
 * The input with its paths made absolute; relative ones start at the data folder. Names of models stay names.
 *
 * @throws PlatformError `FILE_FORBIDDEN` naming the field of a path that, after every symbolic link, lies outside or in a folder that the
 *   platform keeps for itself
 */
export async function confinePaths<Input extends Readonly<Record<string, unknown>>>(
  capability: Pick<Capability, "paths" | "artifacts">,
  input: Input,
  dataFolder: string,
): Promise<Input> {
  let confined: unknown = input;
  const { paths, artifacts } = capability;
  for (const [field, isModel] of [
    ...paths.map((path) => [path, false] as const),
    ...artifacts.map((artifact) => [artifact, true] as const),
  ]) {
    confined = await mapTexts(confined, field.split("."), async (path) => {
      if (path === builtIn && !isModel) return path;
      const place = isModel
        ? artifactFolder(path, { dataFolder, workingFolder: dataFolder })
        : resolve(dataFolder, path);
      const isOdd = path === "-" || path.includes("\0") || isShare(path);
      const way = isOdd ? undefined : await realWayInside(dataFolder, place);
      if (way === undefined) throw forbidden(field, messages.pathForbidden(field, path));
      if (ownFolders.includes(way.split(sep)[0].toLowerCase()))
        throw forbidden(field, messages.pathOwn(field, path));
      // The name of a plain file would be looked up where the server was started.
      const isName = isModel && !/[\\/]/.test(path) && !path.startsWith(".") && !/\.onnx$/i.test(path);
      return isName ? path : place;
    });
  }
  return confined as Input;
}

/** A share of another machine (UNC). Refused before anything looks at it: to look at one is to sign in there. */
function isShare(path: string): boolean {
  return /^[\\/]{2}/.test(path);
}

function forbidden(field: string, message: string): PlatformError {
  return new PlatformError("forbidden", "FILE_FORBIDDEN", message, { field });
}

/** The rest of what starts with a folder's path, empty for the folder itself; undefined for what lies elsewhere, and for no path. */
function wayInside(folder: string, place: string): string | undefined {
  if (place === folder) return "";
  const start = folder.endsWith(sep) ? folder : folder + sep;
  return place.startsWith(start) ? place.slice(start.length) : undefined;
}

/** The same after every symbolic link. */
async function realWayInside(folder: string, place: string): Promise<string | undefined> {
  try {
    return wayInside(await realPlace(resolve(folder)), await realPlace(place));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined; // a loop of links, or a folder that we may not enter
  }
}

/** Where a path leads after every symbolic link; the part of it that does not exist yet is kept as it is. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    const absent = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
    if (!absent || parent === path) throw error;
    const target = await readlink(path).catch(() => undefined); // a link to what is not there yet still leads there
    if (target !== undefined) return realPlace(resolve(parent, target));
    return join(await realPlace(parent), path.slice(parent.length));
  }
}

/** The same at once, for a folder that stays where it is. */
function realPlaceNow(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPlaceNow(parent), basename(path));
  }
}

/**
 * A value that leaves the server, with the paths in its texts as a request may name them.
 *
 * @param capability whose output it is, where it is one: evidence is sent as it was recorded
 */
export type Outward = <Value>(value: Value, capability?: string) => Value;

export interface OutwardOptions {
  readonly dataFolder: string;
  /** Models that a server was started with, which may lie anywhere. */
  readonly served: readonly string[];
  readonly capabilities: readonly Pick<Capability, "name" | "isEvidence">[];
}

/**
 * Makes paths start at the data folder: `models/my-model`, and `./prices.csv` where a plain word would be read as a name. A served
 * model that lies elsewhere is called by the last part of its path.
 */
export function outwardPaths({ dataFolder, served, capabilities }: OutwardOptions): Outward {
  const evidence = new Set(capabilities.filter(({ isEvidence }) => isEvidence).map(({ name }) => name));
  const places = [...new Set([dataFolder, realPlaceNow(dataFolder)])]; // some paths are told after their links
  const elsewhere = served.filter((place) => isElsewhere(place, dataFolder));
  const rules = [
    ...places.map((place) => ({ place, name: "." })),
    ...elsewhere.map((place) => ({ place, name: basename(place) })),
  ].map(({ place, name }) => ({ place, name, pattern: mentionsOf(place) }));
  const inWords = (text: string) =>
    rules.reduce(
      (changed, { place, name, pattern }) =>
        changed.includes(place)
          ? changed.replace(pattern, (_, separator = "") =>
              name === "." && separator !== "" ? "" : name + separator,
            )
          : changed,
      text,
    );
  const outward = (value: unknown): unknown => {
    if (typeof value === "string") {
      const rest = places.map((place) => wayInside(place, value)).find((way) => way !== undefined) ?? "";
      const isOneWord = rest !== "" && !rest.includes(sep) && !rest.includes(": ");
      return isOneWord ? `.${sep}${rest}` : inWords(value);
    }
    if (Array.isArray(value)) return value.some(holdsText) ? value.map(outward) : value;
    if (!isPlain(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, outward(inner)]));
  };
  return <Value>(value: Value, capability = "") =>
    evidence.has(capability) ? value : (outward(value) as Value);
}

/** Whether a model that a server was started with lies outside of the data folder. */
export function isElsewhere(place: string, dataFolder: string): boolean {
  return isAbsolute(place) && wayInside(dataFolder, place) === undefined;
}

/** Where a text speaks of a folder, or of what is in it, and not of another whose path has the same letters. */
function mentionsOf(place: string): RegExp {
  const written = place.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w.-])${written}(?:([\\\\/])|(?![\\w-]|\\.\\w))`, "g");
}

const holdsText = (value: unknown) =>
  typeof value === "string" || (typeof value === "object" && value !== null);

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
