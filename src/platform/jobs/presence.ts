/**
 * How workers know of each other, and people of them: a row for each that runs. It is written beside the work and never in its way,
 * and nothing that happens to jobs rests on it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Clock, Logger, WorkerInfo } from "../../base/index.ts";
import type { Database } from "../state/index.ts";
import { messages } from "./messages.ts";
import { type Connection, epochMs, rowsOf } from "./sql.ts";

/** What stays the same of a worker; `id` is unique among all. */
export type WorkerIdentity = Pick<WorkerInfo, "id" | "host" | "pid" | "what" | "version">;

export interface PresenceOptions {
  readonly db: Database;
  readonly identity: WorkerIdentity;
  readonly concurrency: number;
  readonly running: () => number;
  /** Without a renewal for so long, or for three times `leastMs`, it counts as dead. */
  readonly leaseMs: number;
  readonly clock: Clock;
  /** Hears of a write that fails, and of the next one only when one has worked in between. */
  readonly logger: Logger;
  /** Two writes are at least so far apart. */
  readonly leastMs?: number;
}

/**
 * Says that a worker runs: at once, at each third of its lease, and when it has more jobs or fewer than it said.
 *
 * @returns `leave` takes the row away; it does not throw either
 */
export function keepPresence(options: PresenceOptions): { leave(): Promise<void> } {
  const { db, identity, concurrency, running, clock, logger, leastMs = 2_000 } = options;
  const leaseMs = Math.max(options.leaseMs, 3 * leastMs);
  const dueMs = leaseMs / 3 - leastMs / 2; // a look that comes a little early must not leave it to the next one
  const startedMs = clock.elapsed();
  const leaving = new AbortController();
  let written = { atMs: Number.NEGATIVE_INFINITY, running: 0 };
  let isFailing = false;

  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      isFailing = false;
    } catch (error) {
      const worker = `${identity.host}/${identity.pid}`;
      if (!isFailing) logger.warn(messages.presenceUntold(reasonOf(error)), { worker });
      isFailing = true;
    }
    return !isFailing;
  };

  const look = async (): Promise<void> => {
    const now = { atMs: clock.elapsed(), running: running() };
    if (now.running === written.running && now.atMs - written.atMs < dueMs) return;
    const row = { ...identity, concurrency, running: now.running, leaseMs, ageMs: now.atMs - startedMs };
    if (await attempt(() => renew(db, row))) written = now;
  };

  const looking = (async () => {
    while (!leaving.signal.aborted) {
      await look();
      await sleep(leastMs, undefined, { signal: leaving.signal }).catch(() => {});
    }
  })();

  return {
    async leave() {
      leaving.abort();
      await looking;
      await attempt(() => db.execute(sql`delete from fathom.workers where id = ${identity.id}`));
    },
  };
}

/** What went wrong, without the statement that it happened to. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** A worker tells how long it runs, not since when: times are the database's. A row that was taken for dead comes back as it was. */
async function renew(
  connection: Connection,
  worker: WorkerIdentity &
    Pick<WorkerInfo, "concurrency" | "running"> & { readonly leaseMs: number; readonly ageMs: number },
): Promise<void> {
  const { id, host, pid, what, version, concurrency, running, leaseMs, ageMs } = worker;
  await connection.execute(
    sql`insert into fathom.workers (id, host, pid, what, version, concurrency, running, lease_seconds, started_at, seen_at)
      values (${id}, ${host}, ${pid}, ${what}, ${version}, ${concurrency}, ${running}, ${leaseMs / 1000},
        now() - make_interval(secs => ${ageMs / 1000}), now())
      on conflict (id) do update set running = excluded.running, seen_at = excluded.seen_at`,
  );
}

const workerColumns = sql.join(
  [
    sql.raw("id, host, pid, what, version, concurrency, running"),
    sql.raw("seen_at > now() - make_interval(secs => lease_seconds) as alive"),
    epochMs("started_at"),
    epochMs("seen_at"),
  ],
  sql.raw(", "),
);

export async function listWorkers(connection: Connection): Promise<WorkerInfo[]> {
  return rowsOf<WorkerInfo>(
    connection,
    sql`select ${workerColumns} from fathom.workers order by started_at desc, id`,
  );
}
