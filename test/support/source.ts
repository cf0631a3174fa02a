/**
 * Reads TypeScript as the rules of the house need it: which imports a file has, which exports, and where its code speaks
 * (comments and the text of strings blanked out). A scanner of one page, because TypeScript 7 offers no parser to Node.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Text of each file by its path below the root, with forward slashes. */
export type Tree = Readonly<Record<string, string>>;

export interface Import {
  /** What is written between the quotes. */
  readonly specifier: string;
  /** `import type` and `export type` vanish when types are stripped. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** Every file below `root` whose name ends in `.ts`, generated ones left out. */
export function readTree(root: string): Tree {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => name.split(path.sep).join("/"))
    .filter((name) => name.endsWith(".ts") && !name.includes("/generated/"))
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(root, name), "utf8")]));
}

/** Every import of a file: static, for its effect, `export ... from`, `import(...)`, `import type`, `typeof import(...)`. */
export function importsOf(text: string): Import[] {
  const { withStrings, code } = mask(text);
  const patterns = [
    /\b(?:import|export)\s+(type\s+)?(?:[\w$*\s{},]+?)\s*\bfrom\s*(["'])([^"'\n]+)\2/g,
    /\bimport\s*()(["'])([^"'\n]+)\2/g,
    /\bimport\s*\(\s*()(["'`])([^"'`\n]+)\2/g,
  ];
  const found: Import[] = [];
  for (const pattern of patterns) {
    for (const match of withStrings.matchAll(pattern)) {
      // The keyword must be code, not the text of a string that talks about imports.
      if (!/^(?:import|export)/.test(code.slice(match.index))) continue;
      const braces = /\{([^}]*)\}/.exec(match[0]);
      const names = braces?.[1].split(",").filter((name) => name.trim() !== "") ?? [];
      const allTypes =
        names.length > 0 && names.every((name) => /^\s*type\s/.test(name)) && !/\w\s*,\s*\{/.test(match[0]);
      found.push({
        specifier: match[3],
        typeOnly: Boolean(match[1]) || allTypes,
        line: lineOf(text, match.index),
      });
    }
  }
  return found;
}

/** 1 for the first line. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/**
 * The text with comments blanked (`withStrings`), and with the contents of strings and regular expressions blanked as well
 * (`code`). Both keep every line and column in its place.
 */
export function mask(text: string): { withStrings: string; code: string } {
  const withStrings = [...text.split("")];
  const code = [...withStrings];
  const blank = (target: string[], from: number, to: number) => {
    for (let i = from; i < to; i++) if (target[i] !== "\n") target[i] = " ";
  };
  // Depth of braces inside each open `${`, innermost last.
  const templates: number[] = [];
  let previous = ""; // last character of code, to tell a division from a regular expression
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    const two = text.slice(i, i + 2);
    if (two === "//" || two === "/*") {
      const close = two === "//" ? text.indexOf("\n", i) : text.indexOf("*/", i + 2) + 2;
      const end = close < i + 1 ? text.length : close;
      blank(withStrings, i, end);
      blank(code, i, end);
      i = end;
      continue;
    }
    if (c === '"' || c === "'") {
      const end = endOfQuoted(text, i, c);
      blank(code, i + 1, end - 1);
      i = end;
      previous = c;
      continue;
    }
    if (c === "`" || (c === "}" && templates.at(-1) === 0)) {
      if (c === "}") templates.pop();
      const end = endOfTemplate(text, i);
      blank(code, i + 1, end - 1);
      if (text[end - 1] === "{") templates.push(0);
      i = end;
      previous = "`";
      continue;
    }
    if (
      c === "/" &&
      (previous === "" || "(,=:[!&|?{};+\n".includes(previous) || /\breturn\s*$/.test(text.slice(0, i)))
    ) {
      const end = endOfRegExp(text, i);
      blank(code, i + 1, end - 1);
      blank(withStrings, i + 1, end - 1);
      i = end;
      previous = "/";
      continue;
    }
    if (templates.length > 0 && c === "{") templates[templates.length - 1]++;
    if (templates.length > 0 && c === "}") templates[templates.length - 1]--;
    if (!/\s/.test(c)) previous = c;
    i++;
  }
  return { withStrings: withStrings.join(""), code: code.join("") };
}

function endOfQuoted(text: string, start: number, quote: string): number {
  let i = start + 1;
  while (i < text.length && text[i] !== quote && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** One past the closing backtick, or one past the `{` of the next `${`. */
function endOfTemplate(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== "`") {
    if (text.startsWith("${", i)) return i + 2;
    i += text[i] === "\\" ? 2 : 1;
  }
  return i + 1;
}

function endOfRegExp(text: string, start: number): number {
  let inClass = false;
  let i = start + 1;
  while (i < text.length && text[i] !== "\n" && (inClass || text[i] !== "/")) {
    if (text[i] === "[") inClass = true;
    if (text[i] === "]") inClass = false;
    i += text[i] === "\\" ? 2 : 1;
  }
  return i + 1;
}
