/** Writes docs/errors.md from the table of errors, in the sections that the table's own comments mark. */
import type { ErrorKind } from "../../src/base/index.ts";

export interface PageInput {
  readonly errorTable: Readonly<Record<string, { readonly kind: ErrorKind; readonly meaning: string }>>;
  /** What the command line and HTTP answer. */
  statusesOf(
    code: string,
    kind: ErrorKind | "bug",
  ): { readonly exitStatus: number; readonly httpStatus: number };
  /** Source of the table. A line such as `  // engine` opens a section. */
  readonly source: string;
}

export function errorsPage({ errorTable, statusesOf, source }: PageInput): string {
  const row = (code: string, kind: ErrorKind | "bug", meaning: string) => {
    const { exitStatus, httpStatus } = statusesOf(code, kind);
    return `| \`${code}\` | ${kind} | ${exitStatus} | ${httpStatus} | ${meaning.replaceAll("|", "\\|")} |`;
  };
  const head = ["| code | kind | exit status | HTTP status | meaning |", "| --- | --- | --- | --- | --- |"];
  const sections = sectionsOf(source).map(({ title, codes }) => [
    `## ${title[0].toUpperCase()}${title.slice(1)}`,
    "",
    ...head,
    ...codes.map((code) => row(code, errorTable[code].kind, errorTable[code].meaning)),
    "",
  ]);
  return [
    "# Errors",
    "",
    "A failure is one line, `error CODE: message`, on standard error and an exit status. With `--json` and over HTTP it",
    "is a problem object (RFC 9457) whose `code` is the same. Codes are stable; messages are for people and may be reworded.",
    "",
    "This page is written from `src/base/error-table.ts` by `UPDATE=1 npm test -- test/errors-page`; a test keeps them equal.",
    "",
    ...sections.flat(),
    "## A bug of ours",
    "",
    ...head,
    row(
      "INTERNAL",
      "bug",
      "Something that should not happen did. Please report the message and how you got there.",
    ),
    "",
  ].join("\n");
}

/** The codes of the table in their order, below the section comment that precedes them. */
export function sectionsOf(source: string): { title: string; codes: string[] }[] {
  const sections: { title: string; codes: string[] }[] = [];
  for (const line of source.slice(source.indexOf("errorTable")).split("\n")) {
    const title = /^ {2}\/\/ (.+)$/.exec(line)?.[1];
    const code = /^ {2}([A-Z][A-Z0-9_]*): \{/.exec(line)?.[1];
    if (title !== undefined) sections.push({ title, codes: [] });
    if (code !== undefined) sections.at(-1)?.codes.push(code);
  }
  return sections;
}
