import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { differenceOf, examplesOf, runExample, type Scope } from "./support/examples.ts";
import { readTree } from "./support/source.ts";

const root = path.join(import.meta.dirname, "..");
const load = (file: string) => () => import(path.join(root, "src", file)) as Promise<Scope>;
const faces = ["base/index.ts", "engine/index.ts", "data/index.ts", "models/index.ts"];

describe("the example of", () => {
  for (const [file, text] of Object.entries(readTree(path.join(root, "src")))) {
    if (file.endsWith(".test.ts")) continue;
    for (const example of examplesOf(text)) {
      test(`src/${file}:${example.line} answers what it promises`, () =>
        runExample(example, `src/${file}`, [file, ...faces].map(load)));
    }
  }
});

describe("an example program", () => {
  const folder = path.join(root, "examples");
  const programs = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ts")) : [];
  if (programs.length === 0) test.skip("examples/ holds no program yet", () => {});
  for (const program of programs) {
    test(`examples/${program} runs to its end`, { timeout: 300_000 }, async () => {
      const { status, output } = await run(path.join(folder, program));
      expect(status, output).toBe(0);
    });
  }
});

describe("running an example", () => {
  const scope: Scope = { double: (x: number) => 2 * x, ones: (n: number) => new Float32Array(n).fill(1) };
  const check = (...lines: string[]) => {
    const text = [
      "/**",
      " * Says something.",
      " * @example",
      ...lines.map((line) => ` * ${line}`),
      " */",
    ].join("\n");
    return runExample(examplesOf(text)[0], "file.ts", [async () => scope]);
  };

  test("passes when every result is as promised", async () => {
    await check(
      "const two = double(1);",
      "double(two); // => 4",
      "ones(2); // => [1, 1]",
      '"a".length; // => 1',
    );
    await check("double(0.15); // => 0.30000000000000001");
  });

  test.each([
    ["another number", ["double(1); // => 3"], "file.ts:4: the example promises 3, the code answers 2"],
    [
      "a later line",
      ["const a = 1;", "double(a); // => 2", "double(a); // => 0"],
      "file.ts:6: the example promises 0",
    ],
    ["an array of another length", ["ones(1); // => [1, 1]"], "promises [1,1], the code answers [1]"],
    ["a name that nobody exports", ["triple(1); // => 3"], "file.ts:4: triple is not defined"],
    ["an example without a result", ["double(1);"], "shows no result"],
  ])("fails on %s", async (_, lines, message) => {
    await expect(check(...lines)).rejects.toThrow(message);
  });

  test("ends at the next tag and reads a one-line comment", () => {
    const text = "/**\n * @example\n * a(); // => 1\n * @see b\n */\n/** @example\n * c(); // => 2 */";
    expect(examplesOf(text)).toEqual([
      { line: 3, statements: [{ line: 3, code: "a()", result: "1" }] },
      { line: 7, statements: [{ line: 7, code: "c()", result: "2" }] },
    ]);
  });

  test("compares numbers to 1e-9 of their size and everything else exactly", () => {
    expect(differenceOf({ a: [1e9 + 0.5] }, { a: [1e9] })).toBeNull();
    expect(differenceOf({ a: [1e9 + 5] }, { a: [1e9] })).not.toBeNull();
    expect(differenceOf(Number.NaN, Number.NaN)).toBeNull();
    expect(differenceOf({ a: 1, b: 2 }, { a: 1 })).not.toBeNull();
    expect(differenceOf("1", 1)).not.toBeNull();
  });
});

/** Runs a program as a reader would, and waits for its end. */
function run(program: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", program], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (part) => (output += part));
  child.stderr.on("data", (part) => (output += part));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}
