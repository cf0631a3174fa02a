/** Runs the commands of docs/registry.md, in their order and on days of their own, and compares what they print with the page. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { dayMs } from "../../src/base/index.ts";
import { capabilities } from "../../src/interfaces/capabilities.ts";
import { runCli } from "../../src/interfaces/cli/run.ts";
import { lazyPlatform, localContext } from "../../src/platform/local/index.ts";

const root = path.join(import.meta.dirname, "../..");
const pageFile = path.join(root, "docs/registry.md");
const page = readFileSync(pageFile, "utf8");
const folder = mkdtempSync(path.join(tmpdir(), "fathom-registry-page-"));

/** One day passes with each command. */
const clock = { day: Date.UTC(2026, 2, 1, 9, 30), now: () => clock.day, elapsed: () => 0 };
const dataFolder = path.join(folder, "data");
const platform = lazyPlatform({ dataFolder, clock });
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true });
});

async function fathom(line: string, actor: string | undefined) {
  let [stdout, stderr] = ["", ""];
  const argv = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, ...parts]) => parts.find((part) => part !== undefined) ?? "",
  );
  const status = await runCli({
    argv: [...argv, "--data-folder", dataFolder],
    capabilities,
    version: "0",
    environment: {},
    stdout: {
      write: (text) => {
        stdout += text;
      },
      columns: 200,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    readInput: async () => {
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    },
    signal: new AbortController().signal,
    elapsed: () => 0,
    makeContext: (options) =>
      localContext({ ...options, workingFolder: folder, clock, platform: platform.open, actor }),
  });
  return { status, stdout: stdout.replaceAll(folder, "."), stderr };
}

/** What differs from machine to machine stands for itself: digests, keys, versions, sizes, and numbers with a fraction. */
const rounded = (word: string) =>
  /^[0-9a-f]{12,64},?$/.test(word) || /^\d+\.\d+\.\d+,?$/.test(word)
    ? "..."
    : /^-?\d*\.\d+(e-?\d+)?$|^\d+(,\d{3})+$/.test(word)
      ? "0.0"
      : word;

/** What a sample of forecasts is worth depends a little on the training: whole numbers above 10 are compared to a third. */
const isWorth = (word: string) => /^\d{2,3}$/.test(word);

function expectAlike(received: string, promised: string): void {
  const [got, wanted] = [received, promised].map((text) => text.trim().split(/\s+/));
  const shape = (words: readonly string[]) => words.map((word) => (isWorth(word) ? "00" : rounded(word)));
  expect(shape(got)).toEqual(shape(wanted));
  wanted.forEach((word, i) => {
    if (isWorth(word)) expect(Math.abs(Number(got[i]) / Number(word) - 1), word).toBeLessThan(1 / 3);
  });
}

const commands = [
  ...page.matchAll(
    /```sh\n(?:FATHOM_ACTOR=(\w+) )?node bin\/fathom\.js (.*)\n```(?:\n\n```text\n([\s\S]*?)```)?/g,
  ),
].map(([, actor, command, output]) => ({ actor, command, output }));

describe("docs/registry.md", () => {
  test("shows commands", () => expect(commands.length).toBe(17));

  test.each(commands)("shows what `fathom $command` prints (UPDATE=1 rewrites the page)", async (one) => {
    const { actor, command, output } = one;
    const { status, stdout, stderr } = await fathom(command, actor);
    clock.day += dayMs;
    expect(status, stderr).toBe(0);
    if (output === undefined) return;
    if (process.env["UPDATE"] === "1") {
      const text = readFileSync(pageFile, "utf8");
      const at = text.indexOf("```text\n", text.indexOf(`fathom.js ${command}\n`)) + "```text\n".length;
      writeFileSync(
        pageFile,
        `${text.slice(0, at)}${stdout.trimEnd()}\n${text.slice(text.indexOf("```", at))}`,
      );
    } else expectAlike(stdout, output);
  });
});
