/** A server's first start and its second, as processes: the first key, and what it opens. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

function fathom(folder: string, ...words: string[]) {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "test/interfaces/toy-fathom.ts", ...words, "--data-folder", folder],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  return { child, output, exit: once(child, "close") };
}

/** The address, when the server says that it listens. */
async function addressOf({
  child,
  output,
}: {
  child: ChildProcess;
  output: { stderr: string };
}): Promise<string> {
  for (;;) {
    const found = /fathom serves (http:\/\/[\d.:]+)/.exec(output.stderr)?.[1];
    if (found !== undefined) return found;
    if (child.exitCode !== null) throw new Error(output.stderr);
    await Promise.race([once(child.stderr as NodeJS.ReadableStream, "data"), once(child, "exit")]);
  }
}

const average = (address: string, token?: string, headers: Record<string, string> = {}) =>
  fetch(`${address}/v1/toy/moving-average`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: '{"data":"simulated"}',
  });

test("prints a key once, which may do everything, also after the next start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-first-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const serve = () => fathom(folder, "serve", "--port", "0", "--log-level", "info");
  const first = serve();
  const address = await addressOf(first);
  const [token] = /fathom_[0-9a-f]{16}_[0-9A-Za-z]{49}/.exec(first.output.stderr) ?? [];
  expect(token).toBeDefined();
  expect((await average(address)).status).toBe(401);
  expect((await average(address, token)).status).toBe(200);
  const statusOf = async (path: string, headers = {}) => (await fetch(address + path, { headers })).status;
  for (const path of ["/metrics", "/v2", "/v2/models/nothing", "/v1/tasks", "/mcp"])
    expect([path, await statusOf(path)]).toEqual([path, 401]);
  for (const path of ["/healthz", "/readyz", "/v2/health/live", "/docs", "/openapi.json"])
    expect([path, await statusOf(path)]).toEqual([path, 200]);
  expect(await statusOf("/metrics", { authorization: `Bearer ${token}` })).toBe(200);
  first.child.kill("SIGTERM");
  expect(await first.exit).toEqual([0, null]);
  expect(first.output.stderr.split(String(token))).toHaveLength(2); // shown once, and in no line of the log
  expect(first.output.stdout).toBe("");

  const second = serve();
  const again = await addressOf(second);
  expect((await average(again, token)).status).toBe(200);
  second.child.kill("SIGTERM");
  expect(await second.exit).toEqual([0, null]);
  expect(second.output.stderr).not.toContain("fathom_");
});

test("serves without keys to this machine alone, and only when asked to", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-open-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const refused = fathom(folder, "serve", "--no-keys", "--host", "0.0.0.0", "--port", "0");
  expect(await refused.exit).toEqual([2, null]);
  expect(refused.output.stderr).toMatch(
    /^error KEYS_NEEDED: --no-keys: expected a loopback host such as 127\.0\.0\.1/m,
  );
  const open = fathom(folder, "serve", "--no-keys", "--port", "0", "--log-level", "silent");
  const address = await addressOf(open);
  expect(open.output.stderr).toContain("no API key is asked for (--no-keys)");
  expect((await average(address)).status).toBe(200);
  expect((await average(address, undefined, { origin: "http://evil.example" })).status).toBe(403);
  open.child.kill("SIGTERM");
  expect(await open.exit).toEqual([0, null]);
});
