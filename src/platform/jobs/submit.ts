/** Accepting jobs: the record, its first event and its message in the queue are written together or not at all. */
import { sql } from "drizzle-orm";
import { interrupted, type Job, type JobRequest, PlatformError } from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import type { Queue } from "./boss.ts";
import { messages } from "./messages.ts";
import { type Connection, type JobRow, jobColumns, jsonOf, rowsOf, startAfterColumn } from "./sql.ts";

/** A request whose input was held to its schema. */
export interface CheckedRequest extends JobRequest {
  readonly actor: string;
  readonly parent?: string;
  readonly place?: number;
}

export type Submitted = readonly { readonly job: Job; readonly isNew: boolean }[];

/** @throws PlatformError `JOB_KEY_CONFLICT`; then none of the jobs was accepted */
export async function submitAll(
  db: Database,
  queue: Queue,
  requests: readonly CheckedRequest[],
): Promise<Submitted> {
  return db.transaction((transaction) => submitIn(transaction, queue, requests));
}

/** The same inside a transaction that does more. */
export async function submitIn(
  transaction: Connection,
  queue: Queue,
  requests: readonly CheckedRequest[],
): Promise<Submitted> {
  const parents = [...new Set(requests.flatMap(({ parent }) => parent ?? []))];
  for (const parent of parents) await requireGoing(transaction, parent);
  const asked = requests.map((request, n) => ({ n, ...request, input: JSON.stringify(request.input) }));
  const made = await rowsOf<JobRow & { n: number; startAfter: string }>(
    transaction,
    sql`with asked as materialized (
      select gen_random_uuid() as id, r.* from json_to_recordset(${jsonOf(asked)}) as r(
        n int, capability text, input text, actor text, "workingFolder" text, "idempotencyKey" text, priority int, attempts int,
        "retryDelaySeconds" double precision, "timeoutSeconds" double precision, "delaySeconds" double precision,
        parent uuid, place int)
    ), made as (
      insert into fathom.jobs (id, capability, input, actor, working_folder, idempotency_key, priority, attempts,
        retry_delay_seconds, timeout_seconds, parent, place, run_after)
      select id, capability, input::json, actor, "workingFolder", "idempotencyKey", coalesce(priority, 0), coalesce(attempts, 3),
        coalesce("retryDelaySeconds", 5), "timeoutSeconds", parent, place,
        now() + make_interval(secs => coalesce("delaySeconds", 0))
      from asked order by n
      on conflict (actor, idempotency_key) where idempotency_key is not null do nothing
      returning *
    ), told as (
      insert into fathom.job_events (job, sequence, type, data) select id, 1, 'queued', '{}' from made
    )
    select made.*, asked.n from (select ${jobColumns}, ${startAfterColumn} from made) made join asked using (id)`,
  );
  await queue.put(
    transaction,
    made.map(({ id, priority, startAfter }) => ({ id, priority, startAfter })),
  );
  const byPlace = new Map(made.map(({ n, startAfter: _, ...job }) => [n, job]));
  return Promise.all(
    requests.map(async (request, n) => {
      const job = byPlace.get(n);
      return job ? { job, isNew: true } : { job: await known(transaction, request), isNew: false };
    }),
  );
}

/** The job that has the key of a request already. */
async function known(transaction: Connection, request: CheckedRequest): Promise<Job> {
  const { actor, idempotencyKey = "", capability, input } = request;
  const [row] = await rowsOf<JobRow & { isSame: boolean }>(
    transaction,
    sql`select ${jobColumns}, capability = ${capability} and input::text = ${JSON.stringify(input)} as "isSame"
      from fathom.jobs where actor = ${actor} and idempotency_key = ${idempotencyKey}`,
  );
  const { isSame, ...job } = row;
  if (isSame) return job;
  throw new PlatformError("conflict", "JOB_KEY_CONFLICT", messages.keyConflict(idempotencyKey, job.id), {
    field: "idempotencyKey",
  });
}

/** Locks the parent, so that a cancellation either comes first and is seen here, or comes later and sees the new parts. */
async function requireGoing(transaction: Connection, parent: string): Promise<void> {
  const [row] = await rowsOf<{ going: boolean }>(
    transaction,
    sql`select status = 'running' and not cancel_requested as going from fathom.jobs where id = ${parent} for share`,
  );
  if (!row?.going) throw interrupted(`job ${parent}`);
}
