import { sql } from "drizzle-orm";
import {
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  json,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { fathom } from "./fathom.ts";

/** UTC; times are those of the database, the one clock that all machines share. */
const time = (name: string) => timestamp(name, { withTimezone: true });

/**
 * What a user sees of a job. Its place in the queue is a message of pg-boss with the same id, written in the same
 * transaction, so that there is at most one for each job. JSON is stored as text (`json`): `jsonb` refuses the character U+0000.
 */
export const jobs = fathom.table(
  "jobs",
  {
    id: uuid("id").primaryKey().defaultRandom(),
    capability: text("capability").notNull(),
    input: json("input").notNull(),
    status: text("status").notNull().default("queued"),
    actor: text("actor").notNull(),
    workingFolder: text("working_folder"),
    idempotencyKey: text("idempotency_key"),
    priority: integer("priority").notNull().default(0),
    /** The fencing token: whoever writes has to name the attempt that the job is in. */
    attempt: integer("attempt").notNull().default(0),
    failures: integer("failures").notNull().default(0),
    attempts: integer("attempts").notNull().default(3),
    isDeadLetter: boolean("is_dead_letter").notNull().default(false),
    retryDelaySeconds: doublePrecision("retry_delay_seconds").notNull().default(5),
    timeoutSeconds: doublePrecision("timeout_seconds"),
    parent: uuid("parent"),
    place: integer("place"),
    worker: text("worker"),
    leaseUntil: time("lease_until"),
    cancelRequested: boolean("cancel_requested").notNull().default(false),
    progress: json("progress"),
    output: json("output"),
    failure: json("failure"),
    /** Number of its events so far. */
    events: integer("events").notNull().default(1),
    createdAt: time("created_at").notNull().defaultNow(),
    runAfter: time("run_after").notNull().defaultNow(),
    startedAt: time("started_at"),
    endedAt: time("ended_at"),
  },
  (table) => [
    foreignKey({ columns: [table.parent], foreignColumns: [table.id] }).onDelete("cascade"),
    uniqueIndex("jobs_key").on(table.actor, table.idempotencyKey).where(sql`idempotency_key is not null`),
    index("jobs_created").on(table.createdAt, table.id),
    index("jobs_status").on(table.status, table.createdAt, table.id),
    index("jobs_capability").on(table.capability, table.createdAt, table.id),
    index("jobs_parent").on(table.parent, table.place).where(sql`parent is not null`),
    index("jobs_lease").on(table.leaseUntil).where(sql`status = 'running'`),
    index("jobs_dead").on(table.createdAt, table.id).where(sql`is_dead_letter`),
    index("jobs_ended").on(table.endedAt).where(sql`ended_at is not null`),
  ],
);

/** What happened to a job, numbered within it. */
export const jobEvents = fathom.table(
  "job_events",
  {
    job: uuid("job")
      .notNull()
      .references(() => jobs.id, { onDelete: "cascade" }),
    sequence: integer("sequence").notNull(),
    time: time("time").notNull().defaultNow(),
    type: text("type").notNull(),
    data: json("data").notNull(),
  },
  (table) => [primaryKey({ columns: [table.job, table.sequence] })],
);

export const jobSchedules = fathom.table(
  "job_schedules",
  {
    name: text("name").primaryKey(),
    capability: text("capability").notNull(),
    input: json("input").notNull(),
    cron: text("cron").notNull(),
    timeZone: text("time_zone").notNull(),
    actor: text("actor").notNull(),
    workingFolder: text("working_folder"),
    nextAt: time("next_at").notNull(),
    lastJob: uuid("last_job"),
    createdAt: time("created_at").notNull().defaultNow(),
  },
  (table) => [index("job_schedules_next").on(table.nextAt)],
);

/**
 * Who takes jobs: a row for each worker, renewed while it runs. Nothing rests on it but what people and alerts are told; jobs have
 * leases of their own. It has no index beside its key, so that a renewal touches none: there are at most some thousands of workers.
 */
export const workers = fathom.table("workers", {
  id: uuid("id").primaryKey(),
  host: text("host").notNull(),
  pid: integer("pid").notNull(),
  what: text("what").notNull(),
  version: text("version").notNull(),
  concurrency: integer("concurrency").notNull(),
  running: integer("running").notNull(),
  /** Not renewed for so long, it counts as dead. */
  leaseSeconds: doublePrecision("lease_seconds").notNull(),
  startedAt: time("started_at").notNull(),
  seenAt: time("seen_at").notNull(),
});
