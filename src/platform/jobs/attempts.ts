/**
 * The worker's side of a job. An attempt begins by taking a message and a lease, is kept alive by beats, and ends by settling.
 * Every write names the attempt, so that a worker whose lease went to another one can change nothing any more.
 */
import { sql } from "drizzle-orm";
import type { Job, JobEvent, JobFailure, JobStatus, Progress } from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import type { Queue } from "./boss.ts";
import { cancelled } from "./queries.ts";
import {
  type Connection,
  type JobRow,
  jobColumns,
  jsonOf,
  rowsOf,
  startAfterColumn,
  uuidsOf,
} from "./sql.ts";

/** An event that is not numbered yet. */
export type Entry = Pick<JobEvent, "type" | "data">;

/** Takes up to `count` jobs for a worker. */
export async function claim(
  db: Database,
  queue: Queue,
  { worker, count, leaseMs }: { worker: string; count: number; leaseMs: number },
): Promise<Job[]> {
  return db.transaction(async (transaction) => {
    const ids = await queue.take(transaction, count);
    if (ids.length === 0) return [];
    const taken = await rowsOf<JobRow>(
      transaction,
      sql`with taken as (
        update fathom.jobs set status = 'running', attempt = attempt + 1, worker = ${worker},
          lease_until = now() + make_interval(secs => ${leaseMs / 1000}),
          started_at = coalesce(started_at, now()), events = events + 1
        where id = any(${uuidsOf(ids)}) and (status = 'queued') is true -- so written, it is not looked up among all that wait
        returning *
      ), told as (
        insert into fathom.job_events (job, sequence, type, data)
        select id, events, 'started', json_build_object('attempt', attempt, 'worker', worker) from taken
      )
      select ${jobColumns} from taken`,
    );
    const lost = ids.filter((id) => !taken.some((job) => job.id === id));
    await queue.remove(transaction, lost); // a message without a job that waits means nothing
    const order = new Map(ids.map((id, place) => [id, place]));
    return taken.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  });
}

export interface Beat {
  readonly id: string;
  readonly attempt: number;
  readonly entries: readonly Entry[];
  readonly progress: Progress | null;
}

/** Renews leases and writes what was reported since. @returns the attempts that still hold their job, and whether it should stop */
export async function beat(
  connection: Connection,
  beats: readonly Beat[],
  leaseMs: number,
): Promise<{ id: string; attempt: number; cancelRequested: boolean }[]> {
  return rowsOf(
    connection,
    sql`with b as (
      select * from json_to_recordset(${jsonOf(beats)}) as b(id uuid, attempt int, entries json, progress json)
    ), alive as (
      update fathom.jobs j set lease_until = now() + make_interval(secs => ${leaseMs / 1000}),
        progress = coalesce(b.progress, j.progress), events = j.events + json_array_length(b.entries)
      from b where j.id = b.id and j.attempt = b.attempt and j.status = 'running'
      returning j.id, j.attempt, j.events, j.cancel_requested, b.entries
    ), told as (
      ${insertEntries("alive")}
    )
    select id, attempt, cancel_requested as "cancelRequested" from alive`,
  );
}

/** How an attempt ended: with the job's end, or with its return to the queue. */
export interface Settlement {
  readonly id: string;
  readonly attempt: number;
  readonly status: Exclude<JobStatus, "running">;
  /** JSON text. */
  readonly output?: string | undefined;
  readonly failure?: JobFailure | undefined;
  /** Whether the attempt counts as one of the job's failures. */
  readonly isCharged: boolean;
  readonly isDeadLetter?: boolean | undefined;
  readonly progress?: Progress | null;
  readonly entries: readonly Entry[];
}

/** @returns the ids of the jobs that were settled; the others had been lost to another attempt, and stay as they are */
export async function settle(
  db: Database,
  queue: Queue,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  if (settlements.length === 0) return new Set();
  return db.transaction((transaction) => settleIn(transaction, queue, settlements));
}

export async function settleIn(
  transaction: Connection,
  queue: Queue,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  const settled = await rowsOf<{
    id: string;
    status: JobStatus;
    priority: number;
    startAfter: string;
  }>(
    transaction,
    sql`with o as (
      select * from json_to_recordset(${jsonOf(settlements)}) as o(id uuid, attempt int, status text, output text, failure json,
        "isCharged" boolean, "isDeadLetter" boolean, progress json, entries json)
    ), settled as (
      update fathom.jobs j set
        status = case when o.status = 'queued' and j.cancel_requested then 'cancelled' else o.status end,
        output = o.output::json, failure = o.failure, is_dead_letter = coalesce(o."isDeadLetter", false),
        failures = j.failures + o."isCharged"::int, lease_until = null,
        progress = coalesce(o.progress, j.progress), events = j.events + json_array_length(o.entries),
        ended_at = case when o.status = 'queued' and not j.cancel_requested then null else now() end,
        run_after = case when o.status <> 'queued' then j.run_after
          when not o."isCharged" then now()
          else now() + make_interval(secs =>
            least(3600, j.retry_delay_seconds * 2 ^ least(j.failures, 16)) * (0.5 + random())) end
      from o where j.id = o.id and j.attempt = o.attempt and j.status = 'running'
      returning j.*, o.entries, o.status as wanted
    ), told as (
      ${insertEntries("settled")}
    )
    select id, status, priority, ${startAfterColumn} from settled`,
  );
  const ids = settled.map(({ id }) => id);
  await queue.remove(transaction, ids);
  await queue.put(
    transaction,
    settled
      .filter(({ status }) => status === "queued")
      .map(({ id, priority, startAfter }) => ({ id, priority, startAfter })),
  );
  const wanted = new Map(settlements.map(({ id, status }) => [id, status]));
  for (const { id, status } of settled) {
    if (status !== "cancelled" || wanted.get(id) !== "queued") continue;
    // It was cancelled in the moment in which it went back to the queue.
    await transaction.execute(
      sql`with c as (
        update fathom.jobs set failure = ${jsonOf(cancelled(id))}, events = events + 1 where id = ${id} returning *
      )
      insert into fathom.job_events (job, sequence, type, data) select id, events, 'failed', failure from c`,
    );
  }
  return new Set(ids);
}

/** Numbers the entries of rows whose `events` counts them already. */
function insertEntries(from: "alive" | "settled") {
  return sql`insert into fathom.job_events (job, sequence, type, data)
    select f.id, f.events - json_array_length(f.entries) + entry.ordinality, entry.value ->> 'type', entry.value -> 'data'
    from ${sql.raw(from)} f, json_array_elements(f.entries) with ordinality as entry(value, ordinality)`;
}

const keptProgress = 256;
const keptLog = 10_000;

/** Forgets progress that is long past, and all but the newest lines of a very long log. */
export async function trimEvents(connection: Connection, id: string): Promise<void> {
  await connection.execute(
    sql`delete from fathom.job_events using fathom.jobs j where job = j.id and j.id = ${id} and (
      type = 'progress' and sequence <= j.events - ${keptProgress}::int or type = 'log' and sequence <= j.events - ${keptLog}::int)`,
  );
}
