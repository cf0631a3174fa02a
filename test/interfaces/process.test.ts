/** What only a process can show: signals, pipes and the exit status that the shell sees. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../support/postgres.ts";

const toyFathom = ["--import", "tsx", "test/interfaces/toy-fathom.ts"];

function fathom(...words: string[]) {
  const child = spawn(process.execPath, [...toyFathom, ...words], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (words: string) => {
      output[name] += words;
    });
  }
  return { child, output, exit: once(child, "close") };
}

/** Resolves when the child has written `words` to standard error. */
async function heard(child: ChildProcess, words: string): Promise<void> {
  let all = "";
  await new Promise<void>((resolve) => {
    child.stderr?.on("data", (fresh: string) => {
      all += fresh;
      if (all.includes(words)) resolve();
    });
  });
}

test.each(["SIGINT", "SIGTERM"] as const)("ends in order and with status 130 on %s", async (signal) => {
  const { child, output, exit } = fathom("toy", "count", "--to", "100000", "--step-ms", "5", "--json");
  await heard(child, "count: 1/");
  child.kill(signal);
  expect(await exit).toEqual([130, null]);
  expect(output.stderr).toMatch(/\nerror INTERRUPTED: toy\.count: interrupted before it was done\n$/);
  expect(JSON.parse(output.stdout)).toMatchObject({ code: "INTERRUPTED" });
});

test("ends at once on a second signal, inside of ONNX Runtime too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-signals-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const words = ["forecast", "train", "--data", "simulated", "--hidden-size", "256", "--data-folder", folder];
  const child = spawn(process.execPath, ["bin/fathom.js", ...words], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const exit = once(child, "close");
  await heard(child, "train: ");
  child.kill("SIGINT");
  await sleep(30);
  child.kill("SIGINT");
  // Where the first one was fast enough, it ended in order; an abort would be SIGABRT.
  expect([130, "SIGINT"]).toContain((await exit).find((one) => one !== null));
});

test("reads the whole input from standard input", async () => {
  const { child, output, exit } = fathom("toy", "moving-average", "--input", "-", "--json");
  child.stdin.end('{"data": "piped.csv"}');
  expect(await exit).toEqual([0, null]);
  expect(JSON.parse(output.stdout).received.data).toBe("piped.csv");
});

test("is quiet when nobody reads its output any more", async () => {
  const { child, output, exit } = fathom("toy", "count", "--to", "20", "--step-ms", "20", "--quiet");
  child.stdout.destroy();
  expect(await exit).toEqual([0, null]);
  expect(output.stderr).toBe("");
});

test.skipIf(process.platform !== "linux")("says in one line that its output could not be written", () => {
  const full = openSync("/dev/full", "w");
  onTestFinished(() => closeSync(full));
  const { status, stderr } = spawnSync(process.execPath, [...toyFathom, "toy", "count", "--quiet"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  expect(stderr).toBe("error DISK_FULL: standard output: expected room on the disk, received ENOSPC\n");
  expect(status).toBe(5);
});

test("serves until it is told to stop", async () => {
  const { child, output, exit } = fathom(
    "serve",
    "--port",
    String(await freePort()),
    "--log-level",
    "silent",
  );
  let address = "";
  await new Promise<void>((resolve) => {
    child.stderr.on("data", (words: string) => {
      address ||= /http:\/\/[\d.:]+/.exec(words)?.[0] ?? "";
      if (address) resolve();
    });
  });
  expect(await (await fetch(`${address}/healthz`)).json()).toEqual({ status: "ok" });

  const second = fathom("serve", "--port", new URL(address).port);
  expect(await second.exit).toEqual([5, null]);
  expect(second.output.stderr).toMatch(/^error PORT_IN_USE: --port: expected a free port, received \d+/m);

  const third = fathom("serve", "--port", "0");
  expect(await third.exit).toEqual([4, null]);
  expect(third.output.stderr).toMatch(/^error STATE_HELD: .*fathom serve at http:\S+ \(process \d+ on /m);
  expect(third.output.stderr).toContain(`found that of fathom serve at ${address} (`);

  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(output.stderr).toMatch(/stopped\n$/);
});

test("lists the workers of a data folder from any process, until they have stopped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-workers-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const place = ["--data-folder", folder];
  const listed = async () => {
    const { output, exit } = fathom("jobs", "workers", ...place);
    expect(await exit).toEqual([0, null]);
    return output.stdout;
  };
  const port = String(await freePort());
  const server = fathom("serve", "--no-keys", "--port", port, "--log-level", "silent", ...place);
  await heard(server.child, "fathom serves ");
  const worker = fathom("worker", "--concurrency", "3", ...place);
  await heard(worker.child, "takes up to 3 jobs");
  await vi.waitUntil(async () => (await listed()).split("\n").length > 3, { timeout: 30_000 });
  const rows = (await listed()).trimEnd().split("\n");
  expect(rows.map((row) => row.split(/ {2,}/).slice(1, 4))).toEqual([
    ["what", "slots", "running"],
    ["fathom worker", "3", "0"],
    [`fathom serve at http://127.0.0.1:${port}`, "1", "0"],
  ]);
  expect(rows[1]).toContain(`/${worker.child.pid} `);
  expect(await workersOf(port)).toBe("fathom_workers 2\nfathom_worker_slots 4");
  for (const { child, exit } of [worker, server]) {
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
  }
  expect(await listed()).toBe("no worker is running; fathom worker or fathom serve starts one\n");
});

test("writes what a job writes where the command was given, whichever worker runs it, and shares its threads among jobs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-from-here-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const place = ["--data-folder", join(folder, "data")];
  const program = ["--import", import.meta.resolve("tsx"), join(import.meta.dirname, "toy-fathom.ts")];
  const words = ["toy", "write", "--file", "deep/mine.txt", "--detach", ...place];
  const asked = spawnSync(process.execPath, [...program, ...words], { cwd: folder, encoding: "utf8" });
  expect([asked.status, asked.stderr]).toEqual([0, ""]);
  const { child, exit } = fathom("worker", "--concurrency", "2", "--threads", "7", ...place);
  const written = join(folder, "deep", "mine.txt");
  await vi.waitUntil(() => existsSync(written) && readFileSync(written).length > 0, { timeout: 30_000 });
  expect(readFileSync(written, "utf8")).toBe("3 threads of the cpu");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

/** What a server tells Prometheus of workers. */
async function workersOf(port: string): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith("fathom_worker"))
    .join("\n");
}

test("answers an agent's line that is no message, and goes on", async () => {
  const { child, output, exit } = fathom("mcp");
  child.stdin.write('forecast please\n{"method": 7}\n{"jsonrpc":"2.0","id":7,"method":"ping"}\n');
  const answers = () => output.stdout.split("\n").filter((line) => line !== "");
  await vi.waitUntil(() => answers().length === 3, { timeout: 20_000 });
  child.stdin.end();
  expect(await exit).toEqual([0, null]);
  const expected = "expected one JSON-RPC message on each line, received";
  expect(answers().map((line) => JSON.parse(line))).toEqual([
    { jsonrpc: "2.0", id: null, error: { code: -32700, message: `${expected} a line that is not JSON` } },
    { jsonrpc: "2.0", id: null, error: { code: -32600, message: `${expected} other JSON` } },
    { jsonrpc: "2.0", id: 7, result: {} },
  ]);
});
