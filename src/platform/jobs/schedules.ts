/** Jobs that begin again and again, by cron in a time zone. */
import cronParser from "cron-parser";
import { sql } from "drizzle-orm";
import { isTimeZone, type JobSchedule, PlatformError, type UtcMs } from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import type { Queue } from "./boss.ts";
import { messages } from "./messages.ts";
import { type Connection, rowsOf } from "./sql.ts";
import { submitIn } from "./submit.ts";

const columns = sql.raw(
  `name, capability, input, cron, time_zone as "timeZone", actor, working_folder as "workingFolder",
   (extract(epoch from next_at) * 1000)::double precision as "nextAt", last_job as "lastJob"`,
);

/**
 * The first moment after `after` that a cron expression names in a time zone. Where clocks go forward, a time that does not
 * exist is taken an hour later; where they go back, a time that comes twice is taken once.
 *
 * @throws PlatformError `INPUT_INVALID`
 * @example
 * nextTime("30 6 * * 1-5", "Europe/Berlin", Date.UTC(2026, 0, 2, 12)); // => 1767591000000
 */
export function nextTime(cron: string, timeZone: string, after: UtcMs): UtcMs {
  if (!isTimeZone(timeZone))
    throw new PlatformError("input", "INPUT_INVALID", messages.timeZoneInvalid(timeZone), {
      field: "timeZone",
    });
  if (cron.trim().split(/\s+/).length !== 5) throw cronInvalid(cron, "");
  try {
    const times = cronParser.parseExpression(cron, { tz: timeZone, currentDate: new Date(after) });
    return times.next().getTime();
  } catch (error) {
    throw cronInvalid(cron, `: ${(error as Error).message}`);
  }
}

export async function putSchedule(
  db: Database,
  schedule: Omit<JobSchedule, "nextAt" | "lastJob">,
): Promise<JobSchedule> {
  const { name, capability, input, cron, timeZone, actor, workingFolder } = schedule;
  const nextAt = nextTime(cron, timeZone, await now(db));
  const [row] = await rowsOf<JobSchedule>(
    db,
    sql`insert into fathom.job_schedules (name, capability, input, cron, time_zone, actor, working_folder, next_at)
      values (${name}, ${capability}, ${JSON.stringify(input)}::json, ${cron}, ${timeZone}, ${actor}, ${workingFolder},
        to_timestamp(${nextAt / 1000}::double precision))
      on conflict (name) do update set capability = excluded.capability, input = excluded.input, cron = excluded.cron,
        time_zone = excluded.time_zone, actor = excluded.actor, working_folder = excluded.working_folder,
        next_at = excluded.next_at
      returning ${columns}`,
  );
  return row;
}

export async function listSchedules(connection: Connection): Promise<JobSchedule[]> {
  return rowsOf<JobSchedule>(connection, sql`select ${columns} from fathom.job_schedules order by name`);
}

/** @throws PlatformError `SCHEDULE_UNKNOWN` */
export async function removeSchedule(connection: Connection, name: string): Promise<void> {
  const removed = await rowsOf(
    connection,
    sql`delete from fathom.job_schedules where name = ${name} returning name`,
  );
  if (removed.length === 0)
    throw new PlatformError("missing", "SCHEDULE_UNKNOWN", messages.unknownSchedule(name), { field: "name" });
}

/**
 * Queues a job for every schedule whose time has come, and sets its next time, in one transaction: each time gives one job,
 * however many workers look. Times that passed while nobody looked give one job together.
 *
 * @returns how many jobs were queued
 */
export async function runSchedules(db: Database, queue: Queue): Promise<number> {
  return db.transaction(async (transaction) => {
    const due = await rowsOf<JobSchedule & { now: UtcMs }>(
      transaction,
      sql`select ${columns}, (extract(epoch from now()) * 1000)::double precision as now
        from fathom.job_schedules where next_at <= now() order by next_at limit 100 for update skip locked`,
    );
    for (const { name, capability, input, actor, workingFolder, cron, timeZone, nextAt, now: at } of due) {
      const idempotencyKey = `schedule/${name}/${new Date(nextAt).toISOString()}`;
      const place = workingFolder === null ? {} : { workingFolder };
      const request = { capability, input, actor, idempotencyKey, ...place };
      const [{ job }] = await submitIn(transaction, queue, [request]);
      const next = nextTime(cron, timeZone, at);
      await transaction.execute(
        sql`update fathom.job_schedules set last_job = ${job.id}, next_at = to_timestamp(${next / 1000}::double precision)
          where name = ${name}`,
      );
    }
    return due.length;
  });
}

async function now(connection: Connection): Promise<UtcMs> {
  const [row] = await rowsOf<{ now: UtcMs }>(
    connection,
    sql`select (extract(epoch from now()) * 1000)::double precision as now`,
  );
  return row.now;
}

function cronInvalid(cron: string, reason: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", messages.cronInvalid(cron, reason), { field: "cron" });
}
