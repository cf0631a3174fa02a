/** What is needed goes away and comes back: the database is stopped, the disk is full. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type PostgresServer } from "../support/postgres.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { isUp } from "./load.ts";

export interface OutageResult {
  /** Statuses other than 202 of requests that needed the store meanwhile. */
  readonly refused: readonly number[];
  /** Whether the server said that it runs, meanwhile. */
  readonly isAlive: boolean;
  /** Whether every process was still the one that was started. */
  readonly isSameProcess: boolean;
  /** States, at the end, of the jobs that were acknowledged before and meanwhile. */
  readonly acknowledged: readonly string[];
  /** State of a job that was asked for after. */
  readonly after: string;
}

async function post(address: string, number: number, text = ""): Promise<{ status: number; id: string }> {
  const response = await fetch(`${address}/v1/toy/work`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ number, ms: 20, text }),
    signal: AbortSignal.timeout(30_000),
  });
  const body = (await response.json()) as { task?: { id: string } };
  return { status: response.status, id: body.task?.id ?? "" };
}

async function stateOf(address: string, id: string, patienceMs = 60_000): Promise<string> {
  const until = performance.now() + patienceMs;
  let status = "unknown";
  while (performance.now() < until) {
    const answer = await fetch(`${address}/v1/tasks/${id}`, { signal: AbortSignal.timeout(10_000) }).catch(
      () => undefined,
    );
    if (answer?.ok) {
      status = ((await answer.json()) as { task: { status: string } }).task.status;
      if (!["queued", "running"].includes(status)) return status;
    }
    await sleep(100);
  }
  return status;
}

/** Runs `outage` between some jobs and others. */
async function during(
  fleet: Fleet,
  address: string,
  { begin, end, texts = "" }: { begin: () => Promise<void>; end: () => Promise<void>; texts?: string },
): Promise<OutageResult> {
  try {
    await isUp(address);
    const asked: string[] = [];
    for (let number = 0; number < 10; number++) asked.push((await post(address, number)).id);
    await begin();
    const refused: number[] = [];
    for (let number = 100; number < 400 && refused.length < 5; number++) {
      const { status, id } = await post(address, number, texts);
      if (status === 202) asked.push(id);
      else refused.push(status);
    }
    const health = await fetch(`${address}/healthz`, { signal: AbortSignal.timeout(10_000) });
    await end();
    await isUp(address);
    const acknowledged: string[] = [];
    for (const id of asked) acknowledged.push(await stateOf(address, id));
    const { id } = await post(address, 200);
    const after = await stateOf(address, id);
    const isSameProcess = fleet.names.every(fleet.isRunning);
    return { refused, isAlive: health.ok, isSameProcess, acknowledged, after };
  } catch (error) {
    throw new Error(fleet.said.slice(-20).join(""), { cause: error });
  } finally {
    await fleet.stop();
  }
}

/** Stops PostgreSQL under a server and a worker, and starts it again. */
export async function stopPostgres(server: PostgresServer): Promise<OutageResult> {
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-outage-"));
  const port = await freePort();
  const lease = ["--lease-seconds", "2", "--log-level", "error"];
  const fleet = startFleet({
    dataFolder,
    databaseUrl: `${server.url}/postgres`,
    commands: {
      server: ["serve", "--port", String(port), "--no-keys", "--running-tasks", "0", ...lease],
      worker: ["worker", ...lease],
    },
  });
  try {
    return await during(fleet, `http://127.0.0.1:${port}`, { begin: server.stop, end: server.start });
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/**
 * Fills the disk under the embedded database, and makes room again.
 *
 * @returns the reason when this machine lets nobody make a small disk
 */
export async function fillDisk(): Promise<OutageResult | string> {
  const disk = await mkdtemp(join(tmpdir(), "fathom-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=160m", "tmpfs", disk], { encoding: "utf8" });
  if (mounted.status !== 0) {
    await rm(disk, { recursive: true, force: true });
    return `a small disk cannot be made here: ${mounted.stderr?.trim() || mounted.error?.message}`;
  }
  const filler = join(disk, "filler");
  const port = await freePort();
  try {
    const dataFolder = join(disk, "data");
    await mkdir(dataFolder);
    const fleet = startFleet({
      dataFolder,
      commands: {
        server: [
          "serve",
          "--port",
          String(port),
          "--no-keys",
          "--lease-seconds",
          "2",
          "--log-level",
          "error",
        ],
      },
    });
    return await during(fleet, `http://127.0.0.1:${port}`, {
      begin: () => fill(disk, filler),
      end: () => rm(filler),
      texts: "x".repeat(1000),
    });
  } finally {
    spawnSync("umount", ["-l", disk]);
    await rm(disk, { recursive: true, force: true });
  }
}

async function fill(disk: string, filler: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(filler, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC") throw error; // somebody else wrote meanwhile: it is as full as it gets
  });
}
