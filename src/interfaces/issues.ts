/** What zod found wrong, in the words of the person who wrote the request. */
import type { z } from "zod";
import { suggest } from "../base/index.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** How an interface writes the place of a field: `cleaning.outliers` in a request, `--cleaning.outliers` at the prompt. */
export type NameField = (path: Path) => string;

/**
 * One issue as `field: expected ..., received ...`.
 *
 * @param root the whole input, to look up what was received
 * @param isWhole whether the schema takes whole numbers only at a place; zod speaks of any number there
 */
export function describeIssue(
  issue: Issue,
  root: unknown,
  nameField: NameField,
  isWhole: (path: Path) => boolean = () => false,
): string {
  const [path, words] = expectation(issue, []);
  const expected = isWhole(path) ? words?.replace(/^a number/, "a whole number") : words;
  if (expected === undefined) return `${prefix(path, nameField)}${lowerFirst(issue.message)}`;
  const received = valueAt(root, path);
  const hint = issue.code === "invalid_value" ? didYouMean(received, issue.values) : "";
  return `${prefix(path, nameField)}expected ${expected}, received ${showValue(received)}${hint}`;
}

function prefix(path: Path, nameField: NameField): string {
  return path.length === 0 ? "" : `${nameField(path)}: `;
}

/** Where an issue is, and what would have been right there; undefined when its message says it already. */
function expectation(issue: Issue, above: Path): [Path, string | undefined] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case "invalid_type":
      return [path, typeNames[issue.expected] ?? `a value of type ${issue.expected}`];
    case "invalid_value":
      return [path, oneOf(issue.values.map((value) => showValue(value)))];
    case "too_small":
      return [
        path,
        sizeWords(issue.origin, issue.inclusive === false ? "more than" : "at least", issue.minimum),
      ];
    case "too_big":
      return [
        path,
        sizeWords(issue.origin, issue.inclusive === false ? "less than" : "at most", issue.maximum),
      ];
    case "invalid_format":
      // A schema that says itself what it expects says it best.
      if (issue.message.startsWith("expected ")) return [path, issue.message.slice("expected ".length)];
      return [path, formatNames[issue.format] ?? `text in the form ${issue.format}`];
    case "not_multiple_of":
      return [path, `a multiple of ${issue.divisor}`];
    case "invalid_union":
      return union(issue, path);
    default:
      return [path, undefined];
  }
}

/** Alternatives that failed at the union itself are listed; else the one that came furthest is what the user meant. */
function union(issue: z.core.$ZodIssueInvalidUnion, path: Path): [Path, string | undefined] {
  if (issue.errors.length === 0) {
    const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
    return [path, options.length > 0 ? oneOf(options.map((value) => showValue(value))) : undefined];
  }
  const nested = issue.errors.filter((issues) => issues.every((inner) => inner.path.length > 0));
  if (nested.length > 0) {
    const nearest = nested.reduce((best, issues) => (issues.length < best.length ? issues : best));
    return expectation(nearest[0], path);
  }
  const expected = issue.errors.map((issues) => {
    const atUnion = issues.find((inner) => inner.path.length === 0) ?? issues[0];
    return expectation(atUnion, path)[1] ?? lowerFirst(atUnion.message);
  });
  return [path, oneOf([...new Set(expected)].map((words) => words.replace(/^one of /, "")))];
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  date: "a date",
  null: "null",
};

const formatNames: Readonly<Record<string, string>> = {
  date: "a date as YYYY-MM-DD",
  datetime: "a time as YYYY-MM-DDThh:mm:ssZ",
  time: "a time as hh:mm:ss",
  duration: "a duration such as P1D",
  url: "a web address",
  email: "an e-mail address",
  uuid: "a UUID",
  regex: "text in the form that the help describes",
};

function sizeWords(origin: string, comparison: string, bound: number | bigint): string {
  if (origin === "string")
    return `text of ${comparison} ${bound} ${bound === 1 ? "character" : "characters"}`;
  if (origin === "array" || origin === "set") {
    return `a list of ${comparison} ${bound} ${bound === 1 ? "value" : "values"}`;
  }
  return `${origin === "int" ? "a whole number" : "a number"} of ${comparison} ${bound}`.replace(
    /of (more|less) than/,
    "$1 than",
  );
}

function oneOf(options: readonly string[]): string {
  if (options.length <= 2) return options.join(" or ");
  return `one of ${options.slice(0, -1).join(", ")} or ${options.at(-1)}`;
}

/** A value on one short line. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value); // NaN and infinity too
  const text =
    Array.isArray(value) && value.length === 0 ? "an empty list" : (JSON.stringify(value) ?? typeof value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** `; did you mean "x"?`, or nothing when no choice is near. */
export function didYouMean(received: unknown, choices: readonly unknown[], write = showValue): string {
  if (typeof received !== "string") return "";
  const texts = choices.filter((choice): choice is string => typeof choice === "string");
  const near = suggest(received, texts);
  return near.length === 0 ? "" : `; did you mean ${near.map((name) => write(name)).join(" or ")}?`;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function lowerFirst(text: string): string {
  return text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()).replace(/\.$/, "");
}
