/** SQL of the jobs room: how it is run, and what its rows are. */
import { type SQL, sql } from "drizzle-orm";
import type { Job, JobEvent } from "../../base/index.ts";
import type { Database } from "../state/index.ts";

/** A database or a transaction of it. */
export type Connection = Pick<Database, "execute">;

export async function rowsOf<Row>(connection: Connection, query: SQL): Promise<Row[]> {
  return ((await connection.execute(query)) as { rows: Row[] }).rows;
}

/** Values travel as one JSON text, so that a hundred rows cost one parameter. */
export const jsonOf = (value: unknown) => sql`${JSON.stringify(value)}::json`;

/** Ids as an array, so that an index on them is used whatever else the planner believes of the table. */
export const uuidsOf = (ids: readonly string[]) =>
  sql`array(select value::uuid from json_array_elements_text(${jsonOf(ids)}))`;

/** A time as a `UtcMs`, named as our types name it. */
export const epochMs = (column: string) =>
  sql.raw(`(extract(epoch from ${column}) * 1000)::double precision as "${camelCase(column)}"`);

/** The columns of a job as a `Job` names them. */
export const jobColumns: SQL = sql.join(
  [
    sql.raw(
      "id, capability, input, status, actor, priority, attempt, failures, attempts, parent, place, worker",
    ),
    sql.raw("progress, output, failure"),
    sql.raw('is_dead_letter as "isDeadLetter", timeout_seconds as "timeoutSeconds"'),
    sql.raw('idempotency_key as "idempotencyKey", working_folder as "workingFolder"'),
    sql.raw('cancel_requested as "cancelRequested"'),
    ...["created_at", "run_after", "started_at", "ended_at"].map(epochMs),
  ],
  sql.raw(", "),
);

/** A row of `jobColumns`: every one of its values is JSON already. */
export type JobRow = Job;

// An output is stored once, with its job, and read in the same moment as the event that tells of it.
const eventData = `case when type = 'done'
  then (select json_build_object('output', output) from fathom.jobs where id = job) else data end as data`;
export const eventColumns: SQL = sql.join(
  [sql.raw(`sequence, type, ${eventData}`), epochMs("time")],
  sql.raw(", "),
);
export type EventRow = JobEvent;

/** When a message of pg-boss may be taken: it reads a time only in ISO 8601 with a Z at the end. */
export const startAfterColumn: SQL = sql.raw(
  `to_char(run_after at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "startAfter"`,
);

function camelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
