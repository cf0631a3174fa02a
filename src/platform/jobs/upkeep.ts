/** What any worker does for all: takes jobs back from workers that are gone, mends the queue, and forgets what is long past. */
import { sql } from "drizzle-orm";
import type { JobFailure } from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import { type Settlement, settleIn } from "./attempts.ts";
import type { Queue } from "./boss.ts";
import { messages } from "./messages.ts";
import { type Connection, rowsOf, startAfterColumn } from "./sql.ts";

/** Ends attempts whose lease has run out. @returns how many */
export async function takeBackLost(db: Database, queue: Queue): Promise<number> {
  return db.transaction(async (transaction) => {
    const lost = await rowsOf<{
      id: string;
      attempt: number;
      worker: string;
      failures: number;
      attempts: number;
    }>(
      transaction,
      sql`select id, attempt, worker, failures, attempts from fathom.jobs
        where status = 'running' and lease_until < now() order by lease_until limit 100 for update skip locked`,
    );
    const settlements = lost.map(({ id, attempt, worker, failures, attempts }) =>
      afterFailure(
        { id, attempt, failures, attempts },
        { kind: "unavailable", code: "JOB_LEASE_LOST", message: messages.leaseLost(worker), details: {} },
      ),
    );
    return settlements.length === 0 ? 0 : (await settleIn(transaction, queue, settlements)).size;
  });
}

/** What follows a failure that may pass: another attempt, or a dead letter when there is none left. */
export function afterFailure(
  job: {
    readonly id: string;
    readonly attempt: number;
    readonly failures: number;
    readonly attempts: number;
  },
  failure: JobFailure,
): Settlement {
  const isLast = job.failures + 1 >= job.attempts;
  return {
    id: job.id,
    attempt: job.attempt,
    status: isLast ? "failed" : "queued",
    failure,
    isCharged: true,
    isDeadLetter: isLast,
    entries: [{ type: isLast ? "failed" : "retrying", data: failure }],
  };
}

/** Gives every job that waits the message that it lacks, as after a restore of our tables alone. @returns how many */
export async function mendQueue(db: Database, queue: Queue, queueTable: string): Promise<number> {
  const atATime = 1_000;
  for (let mended = 0; ; ) {
    const found = await db.transaction(async (transaction) => {
      // A subquery for each, not a join: it is looked up by key, whatever the planner believes of a queue that is usually empty.
      const lacking = await rowsOf<{ id: string; priority: number; startAfter: string }>(
        transaction,
        sql`select id, priority, ${startAfterColumn} from fathom.jobs j where status = 'queued'
          and (select m.id from ${sql.raw(queueTable)} m where m.name = 'jobs' and m.id = j.id) is null
          limit ${atATime} for update skip locked`,
      );
      await queue.put(transaction, lacking);
      return lacking.length;
    });
    mended += found;
    if (found < atATime) return mended;
  }
}

/** Deletes jobs that ended so many days ago and are not part of another; their events and parts go with them. */
export async function forgetOld(connection: Connection, days: number): Promise<number> {
  const gone = await rowsOf<{ id: string }>(
    connection,
    sql`delete from fathom.jobs where id in (
      select id from fathom.jobs where ended_at < now() - make_interval(days => ${days}::int) and parent is null limit 1000)
      returning id`,
  );
  return gone.length;
}

/** Deletes the rows of workers that were not seen for some of their leases. @returns how many */
export async function forgetDead(connection: Connection): Promise<number> {
  const gone = await rowsOf<{ id: string }>(
    connection,
    sql`delete from fathom.workers where seen_at < now() - 4 * make_interval(secs => lease_seconds) returning id`,
  );
  return gone.length;
}
