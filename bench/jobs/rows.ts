/** How many trivial jobs a second: accepted one by one, and run by workers, in tables that are empty or full of the past. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { type Jobs, openJobs } from "../../src/platform/jobs/index.ts";
import { openState, type State } from "../../src/platform/state/index.ts";
import { type PostgresServer, startPostgres } from "../../test/support/postgres.ts";

export interface JobsRow {
  readonly database: "embedded" | "PostgreSQL";
  readonly workers: number;
  /** Jobs that had ended before, and lay in the tables. */
  readonly past: number;
  readonly jobs: number;
  /** Jobs a second, each accepted by a call of its own, 32 calls at a time. */
  readonly acceptedPerSecond: number;
  /** Jobs a second from the first that was taken to the last that was done. */
  readonly donePerSecond: number;
}

const sizes = [0, 1_000, 10_000, 100_000];
const work = { embedded: { workers: 1, jobs: 2_000 }, PostgreSQL: { workers: 4, jobs: 8_000 } } as const;

export async function benchJobs(say: (line: string) => void): Promise<JobsRow[]> {
  const rows: JobsRow[] = [];
  for (const database of ["embedded", "PostgreSQL"] as const) {
    const server = database === "embedded" ? undefined : await startPostgres([]);
    if (server === null) {
      say("PostgreSQL is left out: npm has none for this platform");
      continue;
    }
    const folder = await mkdtemp(join(tmpdir(), "fathom-bench-jobs-"));
    try {
      for (const past of sizes) {
        say(`${database}, ${past} jobs in the past`);
        rows.push(await measure(database, past, folder, server));
      }
    } finally {
      await server?.remove();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return rows;
}

async function measure(
  database: JobsRow["database"],
  past: number,
  folder: string,
  server: PostgresServer | undefined,
): Promise<JobsRow> {
  const url = server && `${server.url}/postgres`;
  const state = await openState({ folder, url });
  const jobs = await openJobs(state, (_, input) => input);
  const { workers, jobs: count } = work[database];
  const processes: ChildProcess[] = [];
  try {
    await addPast(state, past);
    const acceptedSeconds = await accept(jobs, count);
    const first = performance.now();
    const names = Array.from({ length: workers }, (_, i) => `w${i}`);
    processes.push(...(await Promise.all(names.map((name) => startWorkerProcess(folder, url, name)))));
    while ((await jobs.port.countQueued(1)) > 0) await sleep(5);
    while ((await jobs.port.list({ status: "running", limit: 1 })).length > 0) await sleep(5);
    const [{ seconds, done }] = await state.query<{ seconds: number; done: number }>(
      `select extract(epoch from max(ended_at) - min(started_at))::float8 as seconds, count(*)::int as done
       from fathom.jobs where capability = 'bench.trivial' and status = 'done'`,
    );
    if (done !== count)
      throw new Error(`expected ${count} jobs done, found ${done} after ${performance.now() - first} ms`);
    return {
      database,
      workers,
      past,
      jobs: count,
      acceptedPerSecond: count / acceptedSeconds,
      donePerSecond: count / seconds,
    };
  } finally {
    for (const child of processes) {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    await state.query("delete from fathom.jobs where capability = 'bench.trivial'");
    await state.close();
  }
}

/** Fills the tables up to so many jobs that have ended, each with its three events. */
async function addPast(state: State, count: number): Promise<void> {
  const present = (await state.query<{ n: number }>("select count(*)::int as n from fathom.jobs"))[0].n;
  await state.db.execute(sql`with made as (
      insert into fathom.jobs (capability, input, status, actor, attempt, events, created_at, started_at, ended_at)
      select 'bench.past', '{}', 'done', 'local', 1, 3, now() - n * interval '1 second', now(), now()
      from generate_series(1, ${count - present}::int) as n returning id
    ) insert into fathom.job_events (job, sequence, type, data)
    select id, s, (array['queued', 'started', 'done'])[s], '{}' from made, generate_series(1, 3) as s`);
  await state.query("analyze");
}

async function accept(jobs: Jobs, count: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  const client = async () => {
    while (next < count) await jobs.port.submit({ capability: "bench.trivial", input: { number: next++ } });
  };
  await Promise.all(Array.from({ length: 32 }, client));
  return (performance.now() - started) / 1000;
}

async function startWorkerProcess(
  folder: string,
  url: string | undefined,
  name: string,
): Promise<ChildProcess> {
  const file = fileURLToPath(new URL("./worker-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, folder, url ?? "-", name, "64"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("a pipe was asked for");
  await once(child.stdout, "data");
  return child;
}
