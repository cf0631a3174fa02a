import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

test("the programs of the README are the examples, which run", () => {
  const shown = [...read("README.md").matchAll(/```ts\n([\s\S]*?)\n```/g)].map(([, program]) => program);
  const programs = readdirSync(new URL("examples/", root)).map((name) => read(`examples/${name}`).trimEnd());
  expect(shown.length).toBeGreaterThan(0);
  for (const program of shown) expect(programs).toContain(program);
});

test("the program of docs/engine.md is its example, and prints what the page shows", {
  timeout: 60_000,
}, async () => {
  const blocks = [...read("docs/engine.md").matchAll(/```(ts|text)\n([\s\S]*?)\n```/g)];
  const program = blocks.filter(([, kind]) => kind === "ts").map(([, , text]) => text);
  const path = new URL("examples/engine-from-primitives.ts", root);
  expect(program.join("\n\n")).toBe(readFileSync(path, "utf8").trimEnd());
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", fileURLToPath(path)]);
  const shown = blocks.filter(([, kind]) => kind === "text").map(([, , text]) => text);
  expect(shown.slice(0, 4).join("\n")).toBe(stdout.trimEnd());
});

test.each(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])("the links of %s lead somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link);
  for (const link of links) expect(() => readFileSync(new URL(link, root)), link).not.toThrow();
});
