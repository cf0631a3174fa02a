/** The rules of the house (ARCHITECTURE.md), as functions from a tree of sources to the sentences of what breaks them. */
import path from "node:path";
import { importsOf, lineOf, mask, type Tree } from "./source.ts";

/** Which layers the files of a layer may import from, beside their own. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  engine: ["base"],
  report: ["base"],
  data: ["base", "engine"],
  models: ["base", "engine"],
  trust: ["base", "engine", "models"],
  services: ["base", "report", "engine", "data", "models", "trust"],
  platform: ["base", "engine", "data", "models", "trust"],
  interfaces: ["base", "report", "services", "platform"],
};

/** Layers made of rooms that do not share a face: each room has its own `index.ts`, and is entered only through it. */
const layersOfRooms = ["services", "platform", "trust"];

/**
 * What may break a rule, and why.
 *
 * The clock, the environment and chance reach the layers below `interfaces/` only as arguments. Whoever implements a port
 * has to touch the thing itself, once.
 */
export const exceptions: readonly {
  readonly file: string;
  readonly uses: string;
  readonly because: string;
}[] = [
  { file: "platform/local/clock.ts", uses: "Date.now", because: "it is the Clock port" },
  { file: "platform/local/clock.ts", uses: "performance.now", because: "it is the Clock port" },
  {
    file: "platform/local/entropy.ts",
    uses: "crypto's random numbers",
    because: "it is the Entropy port",
  },
];

/** What only `interfaces/` may touch. Each pattern is matched against code, with strings and comments blanked. */
const ambient: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: "process.env", pattern: /\bprocess\s*\??\.\s*env\b/g },
  { name: "process.argv", pattern: /\bprocess\s*\??\.\s*argv\b/g },
  { name: "Date.now", pattern: /\bDate\s*\.\s*now\b/g },
  { name: "new Date()", pattern: /\bnew\s+Date\b(?!\s*\(\s*[^)\s])(?!\s*[.\w])/g },
  { name: "performance.now", pattern: /\bperformance\s*\.\s*now\b/g },
  { name: "process.hrtime", pattern: /\bprocess\s*\.\s*hrtime\b/g },
  { name: "Math.random", pattern: /\bMath\s*\.\s*random\b/g },
  {
    name: "crypto's random numbers",
    // The port is called `entropy` wherever it is taken, and declares its method once.
    pattern:
      /(?<!\bentropy\s*\.\s*)\b(?:randomUUID|randomBytes(?!\(count: number\))|randomInt|getRandomValues)\b/g,
  },
  { name: "console", pattern: /\bconsole\s*\.\s*\w+/g },
];

/** Every sentence is `file:line: what is wrong`. */
export function brokenRules(tree: Tree): string[] {
  return [...layerRules(tree), ...cycles(tree), ...ambientRules(tree), ...exportRules(tree)];
}

/** Imports point one way, and a layer, service or room is entered only through its `index.ts`. */
export function layerRules(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [file, text] of Object.entries(tree)) {
    const layer = layerOf(file);
    if (mayImport[layer] === undefined) {
      broken.push(
        `${file}:1: "${layer}" is not a layer; the table in test/support/house-rules.ts names them`,
      );
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      const target = resolve(file, specifier);
      if (target === null) continue;
      const where = `${file}:${line}`;
      const targetLayer = layerOf(target);
      if (target.startsWith("../")) broken.push(`${where}: ${layer} reaches out of src/ to ${specifier}`);
      else if (layer !== targetLayer && !mayImport[layer].includes(targetLayer))
        broken.push(`${where}: ${layer} may not import ${targetLayer} (${target})`);
      else if (roomOf(file) !== roomOf(target) && !isFace(target) && !isTest(file))
        broken.push(`${where}: ${roomOf(file)} enters ${roomOf(target)} past its index.ts (${target})`);
    }
  }
  return broken;
}

/** No file is, through others, its own import. Types vanish before anything runs, and so may point back. */
export function cycles(tree: Tree): string[] {
  const edges = new Map<string, string[]>();
  for (const [file, text] of Object.entries(tree)) {
    const targets = importsOf(text)
      .filter(({ typeOnly }) => !typeOnly)
      .map(({ specifier }) => resolve(file, specifier));
    edges.set(file, targets.filter((target) => target !== null && tree[target] !== undefined) as string[]);
  }
  const broken: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: string[]) => {
    const start = trail.indexOf(file);
    if (start >= 0)
      broken.push(`${file}:1: a cycle of imports: ${[...trail.slice(start), file].join(" -> ")}`);
    if (start >= 0 || done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return broken;
}

/** Below `interfaces/` nothing reads the environment, the wall clock or a global random source, or prints. */
export function ambientRules(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [file, text] of Object.entries(tree)) {
    if (layerOf(file) === "interfaces" || isTest(file)) continue;
    const { code } = mask(text);
    for (const { name, pattern } of ambient) {
      if (exceptions.some((exception) => exception.file === file && exception.uses === name)) continue;
      for (const match of code.matchAll(pattern))
        broken.push(
          `${file}:${lineOf(text, match.index)}: ${name} is for interfaces/ alone; take it as an argument`,
        );
    }
  }
  return broken;
}

/** Exports are named, and an `index.ts` lists them one by one. */
export function exportRules(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [file, text] of Object.entries(tree)) {
    for (const match of mask(text).code.matchAll(/\bexport\s+(?:type\s+)?\*|\bexport\s+default\b/g))
      broken.push(
        `${file}:${lineOf(text, match.index)}: ${match[0].replace(/\s+/g, " ")}: list exports by name`,
      );
  }
  return broken;
}

/** Exceptions that no file needs any more. */
export function idleExceptions(tree: Tree): string[] {
  return exceptions
    .filter(({ file, uses }) => {
      const { pattern } = ambient.find(({ name }) => name === uses) ?? {};
      return pattern === undefined || tree[file] === undefined || mask(tree[file]).code.search(pattern) < 0;
    })
    .map(({ file, uses }) => `${file}: the exception for ${uses} is no longer used`);
}

const isTest = (file: string) => file.endsWith(".test.ts") || file.includes("/testing/");

const layerOf = (file: string) => file.split("/")[0];

/** What has one face: a layer, or a room of a layer of rooms. */
function roomOf(file: string): string {
  const [layer, room] = file.split("/");
  return layersOfRooms.includes(layer) && !room.endsWith(".ts") ? `${layer}/${room}` : layer;
}

const isFace = (file: string) => file === `${roomOf(file)}/index.ts`;

/** The path below the root of a relative import; null for a package. */
function resolve(file: string, specifier: string): string | null {
  return specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file), specifier) : null;
}
