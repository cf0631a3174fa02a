/** Runs the commands of docs/models.md in a folder of their own, and compares what they print with the page. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importRules } from "../../src/engine/index.ts";

const root = path.join(import.meta.dirname, "../..");
const pageFile = path.join(root, "docs/models.md");
const page = readFileSync(pageFile, "utf8");
const folder = mkdtempSync(path.join(tmpdir(), "fathom-models-page-"));
const network = path.join(root, "src/engine/onnx/testing/torch-network-17.onnx");
beforeAll(() => copyFileSync(network, path.join(folder, "network.onnx")));
afterAll(() => rmSync(folder, { recursive: true }));

function fathom(
  words: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const program = path.join(root, "test/model/fathom.ts");
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), program, ...words], {
    cwd: folder,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
}

/**
 * Words are equal but for the number of a node; numbers with a fraction and sizes in bytes, which depend on a training, to a third of
 * their size; spaces do not count.
 */
function expectAlike(received: string, promised: string): void {
  const [got, wanted] = [received, promised].map((text) => text.trim().split(/\s+/));
  const rounded = (word: string) =>
    /^\d*\.\d+(e−\d+)?$|^\d+(,\d{3})+$/.test(word) ? "0.0" : word.replaceAll(/_node_\d+/g, "_node");
  const numeric = (word: string) => Number(word.replaceAll(",", "").replace("−", "-"));
  expect(got.map(rounded)).toEqual(wanted.map(rounded));
  wanted.forEach((word, i) => {
    if (rounded(word) === "0.0")
      expect(Math.abs(numeric(got[i]) / numeric(word) - 1), word).toBeLessThan(1 / 3);
  });
}

const commands = [
  ...page.matchAll(/```sh\nnode bin\/fathom\.js (.*)\n```(?:\n\n```text\n([\s\S]*?)\n```)?/g),
];

describe("docs/models.md", () => {
  test("shows commands", () => expect(commands.length).toBe(3));

  test.each(commands.map(([block, command, output]) => ({ block, command, output })))(
    "shows what `fathom $command` prints (UPDATE=1 rewrites the page)",
    { timeout: 120_000 },
    async ({ command, output }) => {
      const { status, stdout, stderr } = await fathom(command.split(" "));
      expect(status, stderr).toBe(0);
      if (output === undefined) return;
      if (process.env["UPDATE"] === "1")
        writeFileSync(
          pageFile,
          readFileSync(pageFile, "utf8").replace(output, () => stdout.trimEnd()),
        );
      else expectAlike(stdout, output);
    },
  );

  test("lists every operator that can be imported, and no other", () => {
    const table = page.slice(page.indexOf("| arithmetic |"), page.indexOf("An operator that is not known"));
    const listed = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(listed.sort()).toEqual(Object.keys(importRules).sort());
  });

  test("shows the example program that the tests run", () => {
    const [, program] = /```ts\n([\s\S]*?)\n```/.exec(page) ?? [];
    expect(program).toBe(readFileSync(path.join(root, "examples/fine-tune-onnx.ts"), "utf8").trimEnd());
  });
});

test("writes a drawing that is one SVG element with a box for each layer", async () => {
  const { status } = await fathom(["model", "describe", "network.onnx", "--svg", "drawing.svg"]);
  expect(status).toBe(0);
  const svg = readFileSync(path.join(folder, "drawing.svg"), "utf8");
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>$/);
  for (const name of ["lstm", "norm", "up", "down", "MatMul + Div + Softmax"])
    expect(svg).toContain(`>${name}</text>`);
});

test.each([
  [["model", "describe", "none.onnx"], 3, "ARTIFACT_MISSING"],
  [["model", "describe", "none"], 3, "ARTIFACT_MISSING"],
  [["model", "describe", "network.onnx", "two"], 2, "INPUT_INVALID"],
  [["model", "describe", "network.onnx", "--svg", "drawing.png"], 2, "INPUT_INVALID"],
  [["model", "quantize", "text.onnx", "--out", "q.onnx"], 2, "ONNX_INVALID"],
])("answers %j with status %d and %s", async (words, status, code) => {
  writeFileSync(path.join(folder, "text.onnx"), "not a model");
  const ended = await fathom(words);
  expect([ended.status, ended.stderr]).toEqual([status, expect.stringMatching(`^error ${code}: `)]);
});
