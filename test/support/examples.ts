/** Finds the `@example` blocks of doc comments, and runs them. */
import { expect } from "vitest";
import { lineOf } from "./source.ts";

export interface Example {
  /** Line of the file on which the first statement stands. */
  readonly line: number;
  readonly statements: readonly Statement[];
}

interface Statement {
  readonly line: number;
  /** JavaScript, without the comment behind it. */
  readonly code: string;
  /** What stands behind `// =>`: JavaScript too. Null for a line that only prepares. */
  readonly result: string | null;
}

/** The examples of a file, each up to the next tag or the end of its comment. */
export function examplesOf(text: string): Example[] {
  const examples: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const first = lineOf(text, comment.index);
    let open: Statement[] | null = null;
    for (const [offset, raw] of comment[0].split("\n").entries()) {
      const content = raw.replace(/^\s*(?:\/\*\*|\*(?!\/))? ?/, "").replace(/\s*\*\/\s*$/, "");
      const tag = /^@(\w+)/.exec(content)?.[1];
      if (tag !== undefined) {
        open = tag === "example" ? [] : null;
        if (open !== null) examples.push({ line: first + offset + 1, statements: open });
      } else if (open !== null && content.trim() !== "" && !content.startsWith("```")) {
        const [, code, result] = /^(.*?);?\s*\/\/ => (.+)$/.exec(content) ?? [null, content, null];
        open.push({ line: first + offset, code, result });
      }
    }
  }
  return examples;
}

/** Names that an example may use, by where they come from; earlier scopes win. */
export type Scope = Readonly<Record<string, unknown>>;

/**
 * Runs an example and compares each of its results.
 *
 * @param loadScopes the module's own exports, then those of the public faces; later ones are loaded only when needed
 */
export async function runExample(
  example: Example,
  file: string,
  loadScopes: readonly (() => Promise<Scope>)[],
) {
  const checks = example.statements.filter(({ result }) => result !== null);
  const at = `${file}:${example.line}`;
  if (checks.length === 0)
    throw new Error(`${at}: the example shows no result; write \`expression; // => value\``);
  const scope = await namesFor(example, loadScopes);
  const body = example.statements.map(({ line, code, result }) =>
    result === null ? code : `await compare(${line}, async () => (${code}), () => (${result}));`,
  );
  const compare = async (line: number, actual: () => Promise<unknown>, wanted: () => unknown) => {
    const difference = differenceOf(plain(await actual()), plain(wanted()));
    if (difference !== null) throw new Error(`${file}:${line}: ${difference}`);
  };
  const AsyncFunction = (async () => {}).constructor as new (
    ...source: string[]
  ) => (...values: unknown[]) => Promise<void>;
  try {
    await new AsyncFunction("compare", ...Object.keys(scope), body.join("\n"))(
      compare,
      ...Object.values(scope),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(message.startsWith(`${file}:`) ? message : `${at}: ${message}`, { cause: error });
  }
}

/** Null when equal: numbers to 1e-9 of their size, everything else deeply. */
export function differenceOf(actual: unknown, wanted: unknown): string | null {
  if (alike(actual, wanted)) return null;
  const show = (value: unknown) =>
    typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return `the example promises ${show(wanted)}, the code answers ${show(actual)}`;
}

function alike(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") {
    return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
  }
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => alike(item, b[i]));
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && alike(a[key], b[key]));
  }
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false; // not equal: vitest says so by throwing
  }
}

/** Typed arrays read like arrays, so that an example can promise `[1, 2]`. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value))
  );
}

/** The words of the example that some scope knows. */
async function namesFor(example: Example, loadScopes: readonly (() => Promise<Scope>)[]): Promise<Scope> {
  const text = example.statements.map(({ code, result }) => `${code} ${result ?? ""}`).join("\n");
  const words = new Set(
    text.replace(/(["'`])(?:\\.|(?!\1).)*\1/g, "").match(/(?<![.\w$])[A-Za-z_$][\w$]*(?!\s*:)/g),
  );
  for (const declared of text.matchAll(/\b(?:const|let|function)\s+([\w$]+)/g)) words.delete(declared[1]);
  for (const [, group] of text.matchAll(/\b(?:const|let)\s*[[{]([^\]}]*)[\]}]/g))
    for (const name of group.match(/[\w$]+/g) ?? []) words.delete(name);
  const found: Record<string, unknown> = {};
  for (const load of loadScopes) {
    const missing = [...words].filter(
      (word) => !(word in found) && !(word in globalThis) && !keywords.has(word),
    );
    if (missing.length === 0) break;
    const scope = await load();
    for (const word of missing) if (word in scope) found[word] = scope[word];
  }
  return found;
}

const keywords = new Set(
  "async await const else false for function if in let new null of return true typeof undefined".split(" "),
);
