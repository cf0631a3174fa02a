import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

test("the programs of the README are the examples, which run", () => {
  const shown = [...read("README.md").matchAll(/```ts\n([\s\S]*?)\n```/g)].map(([, program]) => program);
  const programs = readdirSync(new URL("examples/", root)).map((name) => read(`examples/${name}`).trimEnd());
  expect(shown.length).toBeGreaterThan(0);
  for (const program of shown) expect(programs).toContain(program);
});

test.each(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])("the links of %s lead somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link);
  for (const link of links) expect(() => readFileSync(new URL(link, root)), link).not.toThrow();
});
