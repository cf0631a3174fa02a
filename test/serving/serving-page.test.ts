/** Runs the lines of docs/serving.md, one by one, against a real server, and compares what they print. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const page = await readFile("docs/serving.md", "utf8");
/** A block of commands, and the block of output behind it. */
const steps = [...page.matchAll(/```sh\n([^`]*curl[^`]*)```\n\n```(?:json|text)\n([^`]*)```/g)].map(
  ([, command, output]) => ({ command: command.trim(), output }),
);

let folder: string;
let address: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-serving-page-"));
  await run(process.execPath, ["--import", "tsx", "examples/serve-a-model.ts", join(folder, "models")]);
  const words = ["--import", "tsx", "test/interfaces/toy-fathom.ts", "serve", "--no-keys", "--port", "0"];
  const child = spawn(process.execPath, [...words, "--data-folder", folder, "--log-level", "silent"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close");
  stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  address = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (words: string) => {
      said += words;
      const found = /http:\/\/[\d.:]+/.exec(said);
      if (found) resolve(found[0]);
    });
    ended.then(() => reject(new Error(`the server ended: ${said}`)));
  });
});
afterAll(async () => {
  await stop?.();
  await rm(folder, { recursive: true, force: true });
});

test("has lines to run", () => {
  expect(steps.length).toBeGreaterThanOrEqual(11);
});

// In order: the metrics at the end count what was asked for before.
test.each(steps)("prints what the page shows: $command", async ({ command, output }) => {
  const { stdout } = await run("bash", ["-c", command.replaceAll("http://127.0.0.1:8080", address)]);
  const parts = output.trimEnd().split("...");
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join('[^"]+');
  expect(stdout.trimEnd()).toMatch(new RegExp(`^${pattern}$`));
});
