/** Servers in processes of their own: Fathom's as it was built, and the peer. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = path.join(import.meta.dirname, "..", "..");

export interface Server {
  readonly address: string;
  readonly pid: number;
  /** From its start until it answered that it is ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** `fathom serve` on the models of a data folder. */
export async function startFathom(dataFolder: string, flags: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const words = ["bin/fathom.js", "serve", "--port", String(port), "--no-keys", "--data-folder", dataFolder, ...flags];
  return start(process.execPath, words, `http://127.0.0.1:${port}`, "/v2/health/ready");
}

export interface PeerServer extends Server {
  readonly versions: string;
}

export interface PeerSettings {
  readonly threads: number;
  readonly batch: number;
}

/** @throws Error with the peer's last words, such as a library that is missing */
export async function startFastApi({ threads, batch }: PeerSettings): Promise<PeerServer> {
  const port = await freePort();
  const script = path.join(import.meta.dirname, "peers", "fastapi_server.py");
  const words = [script, "--port", String(port), "--threads", String(threads), "--batch", String(batch)];
  const server = await start("/usr/bin/python3", words, `http://127.0.0.1:${port}`, "/ready");
  const versions = (await (await fetch(`${server.address}/ready`)).json()) as Record<string, string>;
  return {
    ...server,
    versions: Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", "),
  };
}

async function start(
  program: string,
  words: readonly string[],
  address: string,
  readyPath: string,
): Promise<Server> {
  const began = performance.now();
  const child: ChildProcess = spawn(program, words, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  let lastWords = "";
  child.stderr?.on("data", (part) => {
    lastWords = (lastWords + part).slice(-2000);
  });
  const ended = once(child, "close");
  while (child.exitCode === null) {
    const answer = await fetch(address + readyPath).catch(() => undefined); // it does not listen yet
    if (answer?.ok === true) break;
    await sleep(5);
  }
  if (child.exitCode !== null) throw new Error(lastWords.trim().split("\n").at(-1) ?? "ended without a word");
  const readyMs = performance.now() - began;
  return {
    address,
    pid: child.pid as number,
    readyMs,
    async stop() {
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(patience);
    },
  };
}

export interface ProcessFacts {
  readonly residentMiB: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** What a process holds now, from Linux's `/proc`. */
export function processFacts(pid: number): ProcessFacts {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    residentMiB: number("VmRSS") / 1024,
    threads: number("Threads"),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
