/** Runs the commands of docs/portfolio.md on the shared prices, and compares what they print and draw with the page. */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const shared = process.env["FATHOM_SHARED"] ?? path.resolve(root, "../shared");
const present = existsSync(path.join(shared, "data/equities-close-pypfopt/stock_prices.csv.gz"));
if (!present) console.warn(`skipped: the commands of docs/portfolio.md need the prices in ${shared}`);
const pageFile = path.join(root, "docs/portfolio.md");
const page = readFileSync(pageFile, "utf8");
const update = process.env["UPDATE"] === "1";

// A folder beside a link to the shared data, as the page supposes.
const above = mkdtempSync(path.join(tmpdir(), "fathom-portfolio-page-"));
const folder = path.join(above, "work");
beforeAll(() => {
  mkdirSync(folder);
  if (present) symlinkSync(shared, path.join(above, "shared"));
});
afterAll(() => rmSync(above, { recursive: true }));

function fathom(command: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const program = path.join(root, "test/model/fathom.ts");
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
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

const commands = [
  ...page.matchAll(/```sh\nnode bin\/fathom\.js ([\s\S]*?)\n```(?:\n\n```text\n([\s\S]*?)\n```)?/g),
].map(([, command, output]) => ({ command: command.replace(/\s*\\\n\s*/g, " "), output }));

describe.skipIf(!present)("docs/portfolio.md", () => {
  test("shows commands", () => expect(commands.length).toBeGreaterThan(5));

  test.each(commands)(
    "shows what `fathom $command` prints (UPDATE=1 rewrites the page)",
    { timeout: 120_000 },
    async ({ command, output }) => {
      const { status, stdout, stderr } = await fathom(command);
      const failing = output?.startsWith("error ");
      expect(status === 0, stderr).toBe(!failing);
      const printed = (failing ? stderr : stdout).trimEnd();
      if (output === undefined) return;
      if (update)
        writeFileSync(
          pageFile,
          readFileSync(pageFile, "utf8").replace(output, () => printed),
        );
      else expect(printed).toBe(output);
    },
  );

  test("shows the pictures that the backtest draws", () => {
    for (const [, picture] of page.matchAll(/\]\(pictures\/([\w-]+\.svg)\)/g)) {
      const drawn = path.join(folder, "proof", picture.replace(/^portfolio-/, ""));
      const kept = path.join(root, "docs/pictures", picture);
      if (update) copyFileSync(drawn, kept);
      expect(readFileSync(kept, "utf8")).toBe(readFileSync(drawn, "utf8"));
    }
  });
});

test("docs/portfolio.md shows the example program that the tests run", () => {
  const [, program] = /```ts\n([\s\S]*?)\n```/.exec(page) ?? [];
  expect(program).toBe(readFileSync(path.join(root, "examples/portfolio.ts"), "utf8").trimEnd());
});
