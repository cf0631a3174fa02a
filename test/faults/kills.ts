/** Kills servers and workers at random moments under load, and then counts what became of every job that was acknowledged. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { foldIn, keyFrom, uniform } from "../../src/base/index.ts";
import { lazyPlatform } from "../../src/platform/local/index.ts";
import { freePort } from "../support/postgres.ts";
import { startFleet } from "./fleet.ts";
import { isUp, startLoad } from "./load.ts";

export interface KillsOptions {
  readonly kills: number;
  /** The embedded database when absent. */
  readonly databaseUrl?: string | undefined;
  readonly seed: number;
}

export interface KillsResult {
  readonly kills: number;
  readonly acknowledged: number;
  readonly resent: number;
  /** Acknowledged jobs that the store does not know any more. */
  readonly lost: number;
  /** Acknowledged jobs that did not end, or not with success. */
  readonly unfinished: number;
  /** Jobs with more than one recorded success. */
  readonly doneTwice: number;
  /** Jobs that are in the store more than once for one key. */
  readonly duplicated: number;
  /** Done jobs that the ledger has no entry of; every hash of it was checked. */
  readonly unrecorded: number;
  /** Times that work was done whose result was refused or never arrived: what a kill costs. */
  readonly repeatedWork: number;
  readonly seconds: number;
}

export async function killAtRandom({ kills, databaseUrl, seed }: KillsOptions): Promise<KillsResult> {
  const begun = performance.now();
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-kills-"));
  const file = join(dataFolder, "done.txt");
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const lease = ["--lease-seconds", "2", "--log-level", "warn"];
  const serve = ["serve", "--port", String(port), "--no-keys", ...lease];
  const work = ["worker", "--concurrency", "2", ...lease];
  // The embedded database is held by whichever of them came first, and by the next one when that is killed.
  const commands = { server: [...serve, "--running-tasks", "0"], "worker 1": work, "worker 2": work };
  const fleet = startFleet({ dataFolder, databaseUrl, commands });
  try {
    await isUp(address);
    const load = startLoad(address, {
      clients: 2,
      pauseMs: 60,
      body: (number) => ({
        number,
        file,
        ms: Math.floor(150 * uniform(foldIn(keyFrom(seed), number), 1)[0]),
      }),
    });
    const draws = uniform(foldIn(keyFrom(seed), "kills"), 2 * kills);
    for (let i = 0; i < kills; i++) {
      await isUp(address);
      await sleep(200 + 1_500 * draws[2 * i]);
      await fleet.replace(fleet.names[Math.floor(draws[2 * i + 1] * fleet.names.length)]);
    }
    await isUp(address);
    await load.finish();
    await allEnded(address, [...load.acknowledged.values()]);
    await fleet.stop();
    const counts = await count(load.acknowledged, { dataFolder, databaseUrl, file });
    return {
      kills,
      acknowledged: load.acknowledged.size,
      resent: load.retries(),
      ...counts,
      seconds: (performance.now() - begun) / 1000,
    };
  } catch (error) {
    throw new Error(`seed ${seed}: ${fleet.said.slice(-20).join("")}`, { cause: error });
  } finally {
    await fleet.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/** Waits until no acknowledged job waits or runs; a job that hangs is left for the count to find. */
async function allEnded(address: string, ids: readonly string[], patienceMs = 120_000): Promise<void> {
  const until = performance.now() + patienceMs;
  const left = new Set(ids);
  while (left.size > 0 && performance.now() < until) {
    for (const id of [...left].slice(0, 50)) {
      const answer = await fetch(`${address}/v1/tasks/${id}`, { signal: AbortSignal.timeout(10_000) }).catch(
        () => undefined,
      );
      if (answer === undefined || answer.status === 503) break;
      const { task } = (await answer.json()) as { task?: { status: string } };
      if (task === undefined || !["queued", "running"].includes(task.status)) left.delete(id);
    }
    await sleep(100);
  }
}

/** Looks into the store itself, which has to open after all that. */
async function count(
  acknowledged: ReadonlyMap<number, string>,
  { dataFolder, databaseUrl, file }: { dataFolder: string; databaseUrl: string | undefined; file: string },
): Promise<
  Pick<KillsResult, "lost" | "unfinished" | "doneTwice" | "duplicated" | "unrecorded" | "repeatedWork">
> {
  const platform = lazyPlatform({ dataFolder, databaseUrl });
  try {
    const { audit } = await platform.open();
    await audit.verify(); // fails with the first entry that is not what was recorded
    const recorded = new Set<string>();
    await audit.export((line) => {
      const { action, subject } = JSON.parse(line) as { action?: string; subject?: string };
      if (action === "toy.work" && subject !== undefined) recorded.add(subject);
    });
    const state = await platform.openState();
    const { rows } = (await state.db.execute(
      sql`select id, status, output ->> 'number' as number, idempotency_key as key,
        (select count(*)::int from fathom.job_events where job = id and type = 'done') as done
        from fathom.jobs where idempotency_key is not null`,
    )) as unknown as {
      rows: { id: string; status: string; number: string | null; key: string; done: number }[];
    };
    const byId = new Map(rows.map((row) => [row.id, row]));
    const known = [...acknowledged].map(([number, id]) => ({ number, row: byId.get(id) }));
    const lines = (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
    return {
      lost: known.filter(({ row }) => row === undefined).length,
      unfinished: known.filter(
        ({ number, row }) => row && (row.status !== "done" || row.number !== String(number)),
      ).length,
      doneTwice: rows.filter(({ done }) => done > 1).length,
      duplicated: rows.length - new Set(rows.map(({ key }) => key)).size,
      unrecorded: known.filter(({ number }) => !recorded.has(String(number))).length,
      repeatedWork: lines.length - new Set(lines).size,
    };
  } finally {
    await platform.close();
  }
}
