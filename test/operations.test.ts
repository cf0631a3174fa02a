/** The guide is followed: its blocks marked `sh run` are run in their order, by a shell, on a fresh data folder. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { errorTable } from "../src/base/index.ts";
import { settingSchemas, variablesOf } from "../src/interfaces/configuration/index.ts";
import { tokenPattern } from "../src/platform/keys/token.ts";

const root = path.resolve(import.meta.dirname, "..");
const guide = readFileSync(path.join(root, "docs/operations.md"), "utf8");
const hasTools = process.platform !== "win32" && spawnSync("curl", ["--version"]).status === 0;
if (!hasTools) console.log("skipped: the guide's commands need a POSIX shell and curl");

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.skipIf(!hasTools)("runs from its first block to its last", { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "fathom-operations-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  const blocks = [...guide.matchAll(/```sh run\n([\s\S]*?)```/g)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(4);
  const script = ["set -eu", ...blocks].join("\n").replaceAll("8080", String(port));
  const shell = spawn("sh", ["-c", script], {
    cwd: root,
    env: { ...process.env, FATHOM_DATA_FOLDER: folder, FATHOM_PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own, so that a failing guide leaves no server behind
  });
  onTestFinished(() => {
    try {
      process.kill(-Number(shell.pid), "SIGKILL");
    } catch {} // all gone, as it should be
  });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  const status = await new Promise((resolve) => shell.once("close", resolve));
  expect(status, output).toBe(0);
  expect(output).toContain("everything is ready");
  const tokens = output.split("\n").filter((line) => tokenPattern.test(line));
  expect(new Set(tokens).size).toBe(4); // three made for people, one by rotation; the other two went to variables
  expect(output).toMatch(/ is valid until /);
  expect(output).toMatch(/key [0-9a-f]{16} \(robot\) was revoked at /);
  expect(output).toContain('"name":"me"');
});

test("names only errors and variables that exist", () => {
  for (const [, code] of guide.matchAll(/`([A-Z]+_[A-Z_]+)`/g)) {
    const variables = Object.keys(settingSchemas).flatMap(variablesOf);
    expect([...Object.keys(errorTable), ...variables]).toContain(code);
  }
});

test("has a row for every alert, and alerts for every row", () => {
  const alerts = readFileSync(path.join(root, "deploy/kubernetes/options/alerts.yaml"), "utf8");
  const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
  expect(named(guide, /^\| `(Fathom\w+)` \|/gm)).toEqual(named(alerts, /- alert: (\w+)/g));
});

test.each(["operations.md", "agents.md", "configuration.md", "http.md", "cli.md", "install.md"])(
  "the links of docs/%s lead somewhere",
  (page) => {
    const text = readFileSync(path.join(root, "docs", page), "utf8");
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      expect(() => readFileSync(path.join(root, "docs", link)), link).not.toThrow();
  },
);
