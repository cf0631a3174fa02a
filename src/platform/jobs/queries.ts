/** What is asked about jobs, and what may be asked of those that nobody is working on. */
import { type SQL, sql } from "drizzle-orm";
import {
  interrupted,
  type Job,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  PlatformError,
} from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import type { Queue } from "./boss.ts";
import { messages } from "./messages.ts";
import {
  type Connection,
  type EventRow,
  eventColumns,
  type JobRow,
  jobColumns,
  jsonOf,
  rowsOf,
  startAfterColumn,
} from "./sql.ts";

/** @throws PlatformError `JOB_UNKNOWN` */
export async function findJob(connection: Connection, id: string): Promise<Job> {
  const found = isId(id)
    ? await rowsOf<JobRow>(connection, sql`select ${jobColumns} from fathom.jobs where id = ${id}`)
    : [];
  if (found.length === 0) throw new PlatformError("missing", "JOB_UNKNOWN", messages.unknownJob(id));
  return found[0];
}

export async function listJobs(connection: Connection, filter: JobFilter = {}): Promise<Job[]> {
  const { status, capability, parent, deadLetters, before, limit = 100 } = filter;
  const conditions: SQL[] = [sql`true`];
  if (status !== undefined) conditions.push(sql`status = ${status}`);
  if (capability !== undefined) conditions.push(sql`capability = ${capability}`);
  if (parent !== undefined) conditions.push(isId(parent) ? sql`parent = ${parent}` : sql`false`);
  if (deadLetters) conditions.push(sql`is_dead_letter`);
  if (before !== undefined) {
    await findJob(connection, before);
    conditions.push(sql`(created_at, id) < (select created_at, id from fathom.jobs where id = ${before})`);
  }
  const where = sql.join(conditions, sql.raw(" and "));
  return rowsOf<JobRow>(
    connection,
    sql`select ${jobColumns} from fathom.jobs where ${where} order by created_at desc, id desc limit ${limit}`,
  );
}

export async function countQueued(connection: Connection, limit: number): Promise<number> {
  const [{ count }] = await rowsOf<{ count: number }>(
    connection,
    sql`select count(*)::int as count from (select from fathom.jobs where status = 'queued' limit ${limit}) waiting`,
  );
  return count;
}

/** The parts of a job in their order. */
export async function partsOf(connection: Connection, parent: string): Promise<Job[]> {
  return rowsOf<JobRow>(
    connection,
    sql`select ${jobColumns} from fathom.jobs where parent = ${parent} order by place`,
  );
}

/** Asks a job and everything below it to stop; what waits ends here, what runs is told by its worker. */
export async function cancelJob(db: Database, queue: Queue, id: string): Promise<Job> {
  await findJob(db, id);
  return db.transaction(async (transaction) => {
    const ended = await rowsOf<{ id: string }>(
      transaction,
      sql`with recursive family as (
        select id from fathom.jobs where id = ${id}
        union select child.id from fathom.jobs child join family on child.parent = family.id
      ), locked as (
        select jobs.id from fathom.jobs join family using (id) where ended_at is null order by jobs.id for update of jobs
      ), asked as (
        update fathom.jobs j set cancel_requested = true,
          status = case when j.status = 'queued' then 'cancelled' else j.status end,
          failure = case when j.status = 'queued' then ${jsonOf(cancelled(id))} else j.failure end,
          ended_at = case when j.status = 'queued' then now() end,
          events = j.events + case when j.status = 'queued' then 1 else 0 end
        from locked where j.id = locked.id
        returning j.id, j.status, j.events, j.failure
      ), told as (
        insert into fathom.job_events (job, sequence, type, data)
        select id, events, 'failed', failure from asked where status = 'cancelled'
      )
      select id from asked where status = 'cancelled'`,
    );
    await queue.remove(
      transaction,
      ended.map((one) => one.id),
    );
    return findJob(transaction, id);
  });
}

/** Why a job that was cancelled has ended. */
export function cancelled(id: string): JobFailure {
  const { kind, code, message } = interrupted(`job ${id}`);
  return { kind, code, message, details: {} };
}

/** Queues jobs that failed or were cancelled anew, with what failed of their parts. @returns the ids that were queued */
export async function requeueEnded(db: Database, queue: Queue, which: SQL): Promise<string[]> {
  return db.transaction(async (transaction) => {
    const queued = await rowsOf<{ id: string; priority: number; startAfter: string }>(
      transaction,
      sql`with recursive family as (
        select id from fathom.jobs where ${which} and status in ('failed', 'cancelled')
        union select child.id from fathom.jobs child join family on child.parent = family.id
          where child.status in ('failed', 'cancelled')
      ), locked as (
        select jobs.id from fathom.jobs join family using (id) where status in ('failed', 'cancelled')
        order by jobs.id for update of jobs
      ), queued as (
        update fathom.jobs j set status = 'queued', failures = 0, is_dead_letter = false, cancel_requested = false,
          failure = null, progress = null, ended_at = null, run_after = now(), events = j.events + 1
        from locked where j.id = locked.id
        returning j.*
      ), told as (
        insert into fathom.job_events (job, sequence, type, data) select id, events, 'queued', '{}' from queued
      )
      select id, priority, ${startAfterColumn} from queued`,
    );
    await queue.put(transaction, queued);
    return queued.map(({ id }) => id);
  });
}

/** What happened to a job after the event with number `after`, in order. */
export async function eventsOf(connection: Connection, { id }: Job, after: number): Promise<JobEvent[]> {
  return rowsOf<EventRow>(
    connection,
    sql`select ${eventColumns} from fathom.job_events where job = ${id} and sequence > ${after} order by sequence limit 1000`,
  );
}

function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
