import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { errorTable } from "../src/base/index.ts";
import { type Failure, failureTable } from "../src/interfaces/failure.ts";
import { publicProblem } from "../src/interfaces/http/problems.ts";
import { errorsPage, sectionsOf } from "./support/errors-page.ts";

const root = path.join(import.meta.dirname, "..");
const page = path.join(root, "docs", "errors.md");
const source = readFileSync(path.join(root, "src/base/error-table.ts"), "utf8");

/** As the edges themselves answer, so that the page cannot say anything else. */
const statusesOf = (code: string, kind: Failure["kind"]) => ({
  exitStatus: failureTable[kind].exitStatus,
  httpStatus: publicProblem({ code, kind, message: "", details: {} }, (value) => value).status,
});

test("puts every code into one section, in the order of the table", () => {
  expect(sectionsOf(source).flatMap(({ codes }) => codes)).toEqual(Object.keys(errorTable));
});

test("keeps docs/errors.md equal to the table (UPDATE=1 rewrites the page)", () => {
  const wanted = errorsPage({ errorTable, statusesOf, source });
  if (process.env["UPDATE"] === "1") writeFileSync(page, wanted);
  expect(readFileSync(page, "utf8")).toBe(wanted);
});

test("says of every code, in whole sentences, what it means", () => {
  for (const [code, { meaning }] of Object.entries(errorTable)) expect(meaning, code).toMatch(/^[A-Z`].*\.$/);
});
