/** The statements of every job stay cheap however many jobs there are: each is answered from an index. */
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { rowsRead } from "../state/testing/rows-read.ts";
import { claim, settle } from "./attempts.ts";
import { type Jobs, openJobs } from "./jobs.ts";
import { takeBackLost } from "./upkeep.ts";

const count = 20_000;

/** A queue is usually empty when the database looks at it, and full when it matters. */
const cases = homes.flatMap((home) => [
  { ...home, statistics: "of now" as const },
  { ...home, statistics: "of empty tables" as const },
]);

describe.each(cases)(
  "with 20,000 jobs that wait and as many that have ended, on $name, statistics $statistics",
  ({ makeHome, statistics }) => {
    let home: Home;
    let state: State;
    let jobs: Jobs;
    beforeAll(async () => {
      home = await makeHome();
      state = await openState(home);
      jobs = await openJobs(state, (_, input) => input);
      const look = async () => {
        for (const table of ["fathom.jobs", "fathom.job_events", "fathom_queue.job"])
          await state.query(`vacuum analyze ${table}`);
      };
      const tables = await state.query<{ name: string }>(
        `select schemaname || '.' || relname as name from pg_stat_user_tables
       where relname in ('jobs', 'job_events') or schemaname = 'fathom_queue' and relname ~ '^j[0-9a-f]{10}'`,
      );
      expect(tables).toHaveLength(3);
      for (const { name } of tables)
        await state.query(`alter table ${name} set (autovacuum_enabled = false)`);
      if (statistics === "of empty tables") {
        // A table that held something: of one without a page the planner does not believe that it is empty.
        await jobs.port.cancel((await jobs.port.submit({ capability: "toy.work", input: {} })).job.id);
        for (const { name } of tables) await state.query(`analyze ${name}`);
      }
      await state.db.execute(sql`with made as (
        insert into fathom.jobs (capability, input, status, actor, idempotency_key, priority, ended_at)
        select 'toy.work', '{}', case when n % 2 = 0 then 'done' else 'queued' end, 'local', n::text, n % 5,
          case when n % 2 = 0 then now() end
        from generate_series(1, ${2 * count}::int) as n returning *
      ), told as (insert into fathom.job_events (job, sequence, type, data) select id, 1, 'queued', '{}' from made)
      insert into fathom_queue.job (id, name, priority) select id, 'jobs', priority from made where status = 'queued'`);
      if (statistics === "of now") await look();
    });
    afterAll(async () => {
      await state.close();
      await home.remove();
    });

    const readBy = (work: () => Promise<unknown>) =>
      rowsRead(
        state,
        "case when schemaname = 'fathom_queue' then 'queue' when relname in ('jobs', 'job_events') then relname end",
        work,
      );

    test.each<[string, () => Promise<unknown>]>([
      ["accepts one", () => jobs.port.submit({ capability: "toy.work", input: {}, idempotencyKey: "new" })],
      [
        "finds a key that is known",
        () => jobs.port.submit({ capability: "toy.work", input: {}, idempotencyKey: "7" }).catch(() => {}),
      ],
      [
        "takes and settles some",
        async () => {
          const taken = await claim(state.db, jobs.queue, { worker: "w", count: 10, leaseMs: 60_000 });
          expect(taken.map(({ priority }) => priority)).toEqual(Array(10).fill(4));
          const ended = taken.map(({ id, attempt }) => ({
            id,
            attempt,
            status: "done" as const,
            output: "1",
            isCharged: false,
            entries: [],
          }));
          expect((await settle(state.db, jobs.queue, ended)).size).toBe(10);
        },
      ],
      ["looks for lost leases", () => takeBackLost(state.db, jobs.queue)],
      ["lists the newest", () => jobs.port.list({ limit: 10 })],
      ["lists by status", () => jobs.port.list({ status: "done", limit: 10 })],
      ["lists what has no parts", () => jobs.port.list({ parent: "00000000-0000-4000-8000-000000000000" })],
      ["shows the events of one", async () => jobs.port.events((await jobs.port.list({ limit: 1 }))[0].id)],
    ])("%s without reading a tenth of a table", async (_, work) => {
      for (const rows of Object.values(await readBy(work))) expect(rows).toBeLessThan(count / 10);
    });

    test("looks for messages that are lacking with one look for each job that waits", async () => {
      for (const rows of Object.values(await readBy(() => jobs.mend()))) expect(rows).toBeLessThan(2 * count);
    });

    test("takes from the queue in the order of an index, as its plan shows", async () => {
      const rows = await state.query<{ "QUERY PLAN": string }>(
        `explain select id from fathom_queue.job where name = 'jobs' and state < 'active' and start_after < now()
       order by priority desc, created_on, id limit 10 for update skip locked`,
      );
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan).toMatch(/Index Scan using \w+_order/);
      expect(plan).not.toMatch(/Sort|Seq Scan/);
    });
  },
);
