/** `npm start` as it is really run: npm, its shell, and the process that trains and serves. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { fathom, root } from "../forecast/command.ts";

const prices = [
  "date,close",
  ...Array.from({ length: 120 }, (_, i) => {
    const day = new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10);
    return `${day},${(100 + 10 * Math.sin(i / 3) + (i % 7)).toFixed(2)}`;
  }),
].join("\n");
const small = ["--epochs", "1", "--hidden-size", "2", "--lookback", "4", "--horizon", "1"];

function folderWithPrices(): string {
  const folder = mkdtempSync(join(tmpdir(), "fathom-npm-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  writeFileSync(join(folder, "prices.csv"), prices);
  return folder;
}

/** Whether something still answers there. */
const answers = (address: string) =>
  fetch(`${address}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  );

test.skipIf(process.platform === "win32")("stops serving when npm is told to stop", async () => {
  const folder = folderWithPrices();
  const flags = ["--data", join(folder, "prices.csv"), "--data-folder", join(folder, "data"), "--port", "0"];
  const npm = spawn("npm", ["start", "--", ...small, ...flags], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own, so that a failing test leaves nothing behind
  });
  onTestFinished(() => {
    try {
      process.kill(-Number(npm.pid), "SIGKILL");
    } catch {} // all gone, as it should be
  });
  let stderr = "";
  const address = await new Promise<string>((resolve, reject) => {
    npm.stderr.setEncoding("utf8").on("data", (words: string) => {
      stderr += words;
      const found = /fathom serves (http:\/\/[\d.:]+)/.exec(stderr);
      if (found) resolve(found[1]);
    });
    npm.once("close", () => reject(new Error(stderr)));
  });
  expect(await answers(address)).toBe(true);
  const ended = once(npm, "exit");
  npm.kill("SIGTERM");
  await ended;
  for (let i = 0; i < 60 && (await answers(address)); i++) await sleep(250);
  expect(await answers(address)).toBe(false);
});

test("names a training on standard input by what came in", async () => {
  const folder = folderWithPrices();
  const start = (text: string) =>
    fathom(folder, ["start", ...small, "--data", "-", "--once", "--json"], { text });
  const first = JSON.parse((await start(prices)).stdout);
  expect(JSON.parse((await start(prices)).stdout)).toMatchObject({ reused: true, artifact: first.artifact });
  const other = JSON.parse((await start(prices.replaceAll(",1", ",2"))).stdout);
  expect(other.reused).toBeUndefined();
  expect(other.artifact).not.toBe(first.artifact);
});
