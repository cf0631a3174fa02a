/**
 * The queue: pg-boss on the connection of the state. It keeps the order (priority, then age), the times before which a job is
 * not to be taken, and gives each message to one worker only (`FOR UPDATE SKIP LOCKED`). What a message stands for, and who
 * has it for how long, is in our own tables.
 */
import { createHash } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import type PgBoss from "pg-boss";
import type { Database, State } from "../state/index.ts";
import { type Connection, rowsOf, uuidsOf } from "./sql.ts";

/** Its tables lie in a schema of their own. All of them can be made anew from `fathom.jobs`, so that a backup may leave them out. */
export const queueSchema = "fathom_queue";
const queueName = "jobs";
const messagesTable = sql.raw(`${queueSchema}.job`);
const partition = `j${createHash("sha224").update(queueName).digest("hex")}`;

/** Any number will do, if it is the same in every process. */
const setUpLock = 4_682_041_994;

export interface Message {
  /** The job's id: a job has at most one message. */
  readonly id: string;
  readonly priority: number;
  /** ISO 8601 with a Z. */
  readonly startAfter: string;
}

/** Every call takes the transaction that its effect belongs to. */
export interface Queue {
  put(connection: Connection, messages: readonly Message[]): Promise<void>;
  /** Up to `count` messages that may be taken now, the most urgent first; nobody else gets them. */
  take(connection: Connection, count: number): Promise<string[]>;
  remove(connection: Connection, ids: readonly string[]): Promise<void>;
}

export async function openQueue({ db }: State): Promise<Queue> {
  const { default: Boss } = await import("pg-boss");
  // Its own clockwork (expiry, archive, schedules) stays off: leases, retention and schedules are those of our tables.
  const open = (connection: Connection): PgBoss =>
    new Boss({ db: executor(connection), schema: queueSchema, supervise: false, schedule: false });
  // Several processes may open an empty database at once; whoever comes first makes the tables, the others find them.
  await db.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${setUpLock})`);
    const boss = open(transaction);
    await boss.start();
    await boss.createQueue(queueName);
    await addIndex(transaction);
  });
  const boss = open(db);
  return {
    async put(connection, messages) {
      if (messages.length === 0) return;
      const inserts = messages.map((message) => ({ name: queueName, ...message }));
      await boss.insert(inserts, { db: executor(connection) });
    },
    // Taking and removing are pg-boss's statements with the ids as an array, which only the primary key can answer. It joins them
    // instead, and a queue that was empty when its statistics were made is then read whole for each message.
    async take(connection, count) {
      const messages = await rowsOf<{ id: string }>(
        connection,
        sql`with next as materialized (
          select id from ${messagesTable} where name = ${queueName} and state < 'active' and start_after < now()
          order by priority desc, created_on, id limit ${count} for update skip locked
        ), taken as (
          update ${messagesTable} set state = 'active', started_on = now()
          where name = ${queueName} and id = any(array(select id from next))
        )
        select id from next`,
      );
      return messages.map(({ id }) => id);
    },
    async remove(connection, ids) {
      if (ids.length > 0)
        await connection.execute(
          sql`delete from ${messagesTable} where name = ${queueName} and id = any(${uuidsOf(ids)})`,
        );
    },
  };
}

/**
 * pg-boss sorts everything that waits each time it takes something. With its order as an index the cost of taking does not grow
 * with the number of jobs that wait.
 */
async function addIndex(db: Connection): Promise<void> {
  const name = `${partition}_order`;
  const found = await rowsOf<{ oid: string | null }>(
    db,
    sql`select to_regclass(${`${queueSchema}.${name}`}) as oid`,
  );
  if (found[0]?.oid) return;
  await db.execute(
    sql.raw(
      `create index if not exists ${name} on ${queueSchema}.${partition} (priority desc, created_on, id) where state < 'active'`,
    ),
  );
}

/** How pg-boss reaches the database: texts with `$1`, and scripts that are a whole transaction. */
function executor(connection: Connection) {
  return {
    async executeSql(text: string, values: unknown[] = []): Promise<{ rows: never[] }> {
      const run = async (transaction: Connection) => {
        for (const statement of statementsOf(text)) await transaction.execute(sql.raw(statement));
      };
      try {
        if (!/^\s*begin;/i.test(text)) return { rows: await rowsOf(connection, withValues(text, values)) };
        await (connection as Database).transaction(run);
        return { rows: [] };
      } catch (error) {
        // pg-boss reads the database's own message, as when two processes make its tables at once.
        throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
      }
    },
  };
}

function withValues(text: string, values: readonly unknown[]): SQL {
  const parts = text.split(/\$(\d+)/);
  return sql.join(
    parts.map((part, i) => (i % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`)),
  );
}

/** The statements of a script without its BEGIN and COMMIT: an embedded database takes one at a time. */
export function statementsOf(script: string): string[] {
  const statements = script
    .split(/(\$\$[\s\S]*?\$\$)/) // the bodies of functions stay whole
    .reduce<string[]>(
      (list, part, i) => {
        const pieces = i % 2 === 0 ? part.split(";") : [part];
        return [...list.slice(0, -1), `${list.at(-1)}${pieces[0]}`, ...pieces.slice(1)];
      },
      [""],
    );
  return statements.map((one) => one.trim()).filter((one) => one !== "" && !/^(begin|commit)$/i.test(one));
}
