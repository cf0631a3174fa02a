import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Clock, Job, JobRequest } from "../../base/index.ts";
import { openState, type State } from "../state/index.ts";
import { homes } from "../state/testing/homes.ts";
import { beat, claim, settle } from "./attempts.ts";
import { statementsOf } from "./boss.ts";
import { type Jobs, openJobs } from "./jobs.ts";
import { runSchedules } from "./schedules.ts";
import { rowsOf } from "./sql.ts";
import { testIdentity } from "./testing/identity.ts";
import { withTestJobs } from "./testing/jobs.ts";
import { takeBackLost } from "./upkeep.ts";
import { type Executor, type Outcome, type Supervision, startWorker, type WorkerOptions } from "./worker.ts";

const clock: Clock = { now: () => 0, elapsed: () => performance.now() };
const done = (output: unknown): Outcome => ({ kind: "done", output: JSON.stringify(output) });
const failed = (kind: "input" | "unavailable", message: string): Outcome => ({
  kind: "failed",
  failure: { kind, code: kind === "input" ? "INPUT_INVALID" : "WRITE_FAILED", message, details: {} },
});

describe.each(homes)("jobs on $name", ({ makeHome }) => {
  let state: State;
  let jobs: Jobs;
  withTestJobs(makeHome, "fathom.jobs, fathom.job_schedules", (world) => {
    ({ state, jobs } = world);
  });

  test("opens on an empty database for several processes at once", async () => {
    const empty = await makeHome();
    const states = await Promise.all([1, 2, 3].map(() => openState(empty)));
    try {
      const all = await Promise.all(states.map((one) => openJobs(one, (_, input) => input)));
      const { job } = await all[0].port.submit({ capability: "toy.work", input: {} });
      expect(await all[2].port.find(job.id)).toEqual(job);
    } finally {
      await Promise.all(states.map((one) => one.close()));
      await empty.remove();
    }
  });

  const submit = async (request: Partial<JobRequest> = {}) =>
    (await jobs.port.submit({ capability: "toy.work", input: {}, ...request })).job;

  /** A worker whose work is a function of the job. */
  function work(
    run: (job: Job, supervision: Supervision) => Promise<Outcome> | Outcome,
    options: Partial<WorkerOptions> = {},
  ) {
    const executor: Executor = {
      run: async (job, supervision) => run(job, supervision),
      close: async () => {},
    };
    const warnings: string[] = [];
    const logger = { info() {}, warn: (message: string) => void warnings.push(message) };
    const fixed = { jobs, executor, clock, logger, name: "here", identity: testIdentity(), leaseMs: 2_000 };
    const worker = startWorker({ ...fixed, ...options });
    onTestFinished(() => worker.stop());
    return { worker, warnings };
  }

  async function ended(id: string): Promise<Job> {
    for (;;) {
      const job = await jobs.port.find(id);
      if (job.endedAt !== null) return job;
      await sleep(10);
    }
  }
  const typesOf = async (id: string) => (await jobs.port.events(id)).map(({ type }) => type);
  const messagesOf = () =>
    state.query<{ id: string; state: string }>("select id, state from fathom_queue.job");

  test("runs a job once and keeps its output, its log and its progress", async () => {
    const job = await submit({ input: { text: "a\u0000b\ud800" }, priority: 3 });
    expect(job).toMatchObject({ status: "queued", attempt: 0, priority: 3, actor: "owner", attempts: 3 });
    work(({ input }, { report, log }) => {
      log("info", "halfway", { at: 1 });
      report({ stage: "count", done: 2, total: 2 });
      return done({ received: input });
    });
    const end = await ended(job.id);
    expect(end).toMatchObject({
      status: "done",
      attempt: 1,
      failures: 0,
      worker: "here",
      output: { received: { text: "a\u0000b\ud800" } },
      progress: { stage: "count", done: 2, total: 2 },
    });
    expect(end.startedAt).toBeGreaterThanOrEqual(end.createdAt);
    const events = await jobs.port.events(job.id);
    expect(events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, "queued"],
      [2, "started"],
      [3, "log"],
      [4, "progress"],
      [5, "done"],
    ]);
    expect(events[4].data).toEqual({ output: end.output });
    expect(await messagesOf()).toEqual([]);
  });

  test("takes what is urgent first, and what is older among equals", async () => {
    const order: unknown[] = [];
    const asked = [
      await submit({ input: "a" }),
      await submit({ input: "b", priority: 5 }),
      await submit({ input: "c" }),
      await submit({ input: "d", priority: 5 }),
    ];
    work(({ input }) => {
      order.push(input);
      return done(null);
    });
    await Promise.all(asked.map(({ id }) => ended(id)));
    expect(order).toEqual(["b", "d", "a", "c"]);
  });

  test("does not take a job before its time", async () => {
    const job = await submit({ delaySeconds: 0.6 });
    work(() => done(null));
    const { startedAt, createdAt } = await ended(job.id);
    expect((startedAt ?? 0) - createdAt).toBeGreaterThanOrEqual(600);
  });

  test("gives the same job for the same key and request, to the same actor", async () => {
    const request = { capability: "toy.work", input: { a: 1 }, idempotencyKey: "k" };
    const first = await jobs.port.submit(request);
    expect(first.isNew).toBe(true);
    expect(await jobs.port.submit(request)).toEqual({ job: first.job, isNew: false });
    expect((await jobs.port.submit({ ...request, actor: "other" })).isNew).toBe(true);
    for (const other of [{ input: { a: 2 } }, { capability: "toy.other" }]) {
      await expect(jobs.port.submit({ ...request, ...other })).rejects.toMatchObject({
        code: "JOB_KEY_CONFLICT",
        message: expect.stringContaining(first.job.id),
      });
    }
    expect(await jobs.port.list()).toHaveLength(2);
  });

  test("gives one job to many who ask with one key at the same moment", async () => {
    const request = { capability: "toy.work", input: {}, idempotencyKey: "once" };
    const all = await Promise.all(Array.from({ length: 8 }, () => jobs.port.submit(request)));
    expect(new Set(all.map(({ job }) => job.id)).size).toBe(1);
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  test("tries again what may pass, and keeps it as a dead letter when its attempts are used up", async () => {
    const job = await submit({ attempts: 3, retryDelaySeconds: 0.02 });
    const { worker } = work(({ attempt }) => failed("unavailable", `attempt ${attempt}`));
    const end = await ended(job.id);
    expect(end).toMatchObject({ status: "failed", attempt: 3, failures: 3, isDeadLetter: true });
    expect(end.failure).toMatchObject({ code: "WRITE_FAILED", message: "attempt 3" });
    expect((await typesOf(job.id)).filter((type) => type === "retrying")).toHaveLength(2);
    await worker.stop();

    expect((await jobs.port.list({ deadLetters: true })).map(({ id }) => id)).toEqual([job.id]);
    expect(await jobs.port.redrive({ capability: "toy.other" })).toEqual([]);
    expect(await jobs.port.redrive()).toEqual([job.id]);
    work(() => done("at last"));
    expect(await ended(job.id)).toMatchObject({
      status: "done",
      output: "at last",
      isDeadLetter: false,
      failure: null,
    });
  });

  test("does not try again what stays wrong", async () => {
    const job = await submit();
    work(() => failed("input", "rate: expected a number"));
    expect(await ended(job.id)).toMatchObject({ status: "failed", attempt: 1, isDeadLetter: false });
  });

  test("doubles the mean wait from failure to failure, and spreads it by half", async () => {
    const waits: number[][] = [];
    for (const failures of [0, 1, 2]) {
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) ids.push((await submit({ attempts: 9, retryDelaySeconds: 100 })).id);
      await state.db.execute(sql`update fathom.jobs set failures = ${failures}`);
      const taken = await claim(state.db, jobs.queue, { worker: "w", count: 20, leaseMs: 60_000 });
      await settle(
        state.db,
        jobs.queue,
        taken.map(({ id, attempt }) => ({
          id,
          attempt,
          status: "queued" as const,
          isCharged: true,
          entries: [],
        })),
      );
      const rows = await rowsOf<{ wait: number }>(
        state.db,
        sql`select extract(epoch from run_after - now())::float8 as wait from fathom.jobs where status = 'queued' and attempt = 1
          and failures = ${failures + 1}`,
      );
      waits.push(rows.map(({ wait }) => wait));
      await state.query("truncate fathom.jobs cascade");
      await state.query("delete from fathom_queue.job");
    }
    for (const [i, list] of waits.entries()) {
      const mean = 100 * 2 ** i;
      expect(list).toHaveLength(20);
      expect(Math.min(...list)).toBeGreaterThan(0.5 * mean - 5);
      expect(Math.max(...list)).toBeLessThan(1.5 * mean);
      expect(new Set(list.map((wait) => wait.toFixed(3))).size).toBeGreaterThan(10);
    }
  });

  test("stops a job that takes longer than it may, and counts the attempt", async () => {
    const job = await submit({ timeoutSeconds: 0.05, attempts: 1 });
    work(async (_, { signal }) => {
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return failed("unavailable", "stopped");
    });
    expect((await ended(job.id)).failure).toMatchObject({ code: "JOB_TIMEOUT" });
  });

  test("cancels what waits at once, and what runs when it has stopped", async () => {
    const first = await submit();
    work(async (_, { signal }) => {
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return failed("input", "stopped");
    });
    while ((await jobs.port.find(first.id)).status !== "running") await sleep(5);
    const second = await submit();
    expect(await jobs.port.cancel(second.id)).toMatchObject({
      status: "cancelled",
      failure: { code: "INTERRUPTED" },
    });
    await jobs.port.cancel(first.id);
    expect(await ended(first.id)).toMatchObject({
      status: "cancelled",
      failure: { code: "INTERRUPTED" },
      failures: 0,
    });
    expect(await messagesOf()).toEqual([]);
    expect(await jobs.port.cancel(first.id)).toMatchObject({ status: "cancelled" });
    await expect(jobs.port.cancel("nothing")).rejects.toMatchObject({ code: "JOB_UNKNOWN" });
  });

  test("queues what failed or was cancelled anew, and nothing else", async () => {
    const job = await submit();
    await expect(jobs.port.retry(job.id)).rejects.toMatchObject({ code: "JOB_NOT_ENDED" });
    await jobs.port.cancel(job.id);
    expect(await jobs.port.retry(job.id)).toMatchObject({
      status: "queued",
      endedAt: null,
      cancelRequested: false,
    });
    work(() => done(null));
    await ended(job.id);
    await expect(jobs.port.retry(job.id)).rejects.toMatchObject({ code: "JOB_NOT_ENDED" });
  });

  test("refuses the result of an attempt that lost its lease, whoever has the job now", async () => {
    const { id } = await submit();
    const take = () => claim(state.db, jobs.queue, { worker: "w", count: 1, leaseMs: 60_000 });
    const result = (attempt: number, output: string) =>
      settle(state.db, jobs.queue, [
        {
          id,
          attempt,
          status: "done",
          output: JSON.stringify(output),
          isCharged: false,
          entries: [{ type: "done", data: {} }],
        },
      ]);
    const [first] = await take();
    expect(await take()).toEqual([]); // nobody else gets it meanwhile
    expect(await takeBackLost(state.db, jobs.queue)).toBe(0);
    await state.query("update fathom.jobs set lease_until = now() - interval '1 second'");
    expect(await takeBackLost(state.db, jobs.queue)).toBe(1);
    expect(await result(first.attempt, "late")).toEqual(new Set());
    expect(
      await beat(state.db, [{ id, attempt: first.attempt, entries: [], progress: null }], 1_000),
    ).toEqual([]);
    await state.query("update fathom_queue.job set start_after = now() - interval '1 second'");
    const [second] = await take();
    expect(second).toMatchObject({ id, attempt: 2, failures: 1 });
    expect(await result(first.attempt, "late")).toEqual(new Set());
    expect(await result(second.attempt, "in time")).toEqual(new Set([id]));
    expect(await result(second.attempt, "twice")).toEqual(new Set());
    expect(await jobs.port.find(id)).toMatchObject({ status: "done", output: "in time" });
  });

  test("stops work whose lease went to another worker, and writes nothing of it", async () => {
    const { id } = await submit();
    let stopped = false;
    const { worker } = work(
      async (_, { signal }) => {
        await sleep(60_000, undefined, { signal }).catch(() => {
          stopped = true;
        });
        return done("late");
      },
      { leaseMs: 400 },
    );
    while ((await jobs.port.find(id)).status !== "running") await sleep(5);
    await state.query("update fathom.jobs set attempt = attempt + 1, worker = 'other'"); // as another one would take it
    while (worker.running() > 0) await sleep(10);
    expect(stopped).toBe(true);
    expect(await jobs.port.find(id)).toMatchObject({ worker: "other", output: null });
    await state.query("truncate fathom.jobs cascade");
  });

  test("puts what it runs back into the queue when it stops, without counting the attempt", async () => {
    const { id } = await submit();
    const { worker } = work(async (_, { signal }) => {
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return failed("input", "stopped");
    });
    while ((await jobs.port.find(id)).status !== "running") await sleep(5);
    await worker.stop();
    expect(await jobs.port.find(id)).toMatchObject({ status: "queued", attempt: 1, failures: 0 });
    work(({ attempt }) => done({ attempt }));
    expect(await ended(id)).toMatchObject({ status: "done", output: { attempt: 2 } });
  });

  test("cancels a job that goes back to the queue just when it is cancelled", async () => {
    const { id } = await submit();
    const [{ attempt }] = await claim(state.db, jobs.queue, { worker: "w", count: 1, leaseMs: 60_000 });
    await jobs.port.cancel(id);
    await settle(state.db, jobs.queue, [{ id, attempt, status: "queued", isCharged: false, entries: [] }]);
    expect(await jobs.port.find(id)).toMatchObject({ status: "cancelled", failure: { code: "INTERRUPTED" } });
    expect(await messagesOf()).toEqual([]);
    expect((await typesOf(id)).at(-1)).toBe("failed");
  });

  test("runs parts of a job elsewhere and gathers them in order, failed ones too", async () => {
    const parent = await submit({ input: "parent" });
    work(async ({ input }, { runParts }) => {
      if (input === "parent") {
        const parts = await runParts([3, 1, 2].map((part) => ({ capability: "toy.work", input: { part } })));
        return done(parts.map(({ status, output, failure }) => [status, output, failure?.code ?? null]));
      }
      const { part } = input as { part: number };
      await sleep(10 * part);
      return part === 1 ? failed("input", "no") : done(part);
    });
    expect((await ended(parent.id)).output).toEqual([
      ["done", 3, null],
      ["failed", null, "INPUT_INVALID"],
      ["done", 2, null],
    ]);
    const parts = await jobs.port.list({ parent: parent.id });
    expect(parts.map(({ place }) => place).sort()).toEqual([0, 1, 2]);
  });

  test("finds the parts of an earlier attempt and repeats none that is done", async () => {
    const parent = await submit({ input: "parent", retryDelaySeconds: 0.01 });
    const runs: number[] = [];
    work(async ({ input, attempt }, { runParts }) => {
      if (input === "parent") {
        const parts = await runParts([1, 2].map((part) => ({ capability: "toy.work", input: { part } })));
        return attempt === 1
          ? failed("unavailable", "after the parts")
          : done(parts.map(({ output }) => output));
      }
      runs.push((input as { part: number }).part);
      return done(input);
    });
    expect((await ended(parent.id)).output).toEqual([{ part: 1 }, { part: 2 }]);
    expect(runs.sort()).toEqual([1, 2]);
  });

  test("reaches the parts of a job that is cancelled", async () => {
    const parent = await submit({ input: "parent" });
    work(async ({ input }, { runParts, signal }) => {
      if (input === "parent") {
        const parts = runParts([1, 2].map((part) => ({ capability: "toy.work", input: { part } })));
        return parts.then(done, () => failed("input", "stopped"));
      }
      await sleep(60_000, undefined, { signal }).catch(() => {});
      return failed("input", "stopped");
    });
    for (;;) {
      const parts = await jobs.port.list({ parent: parent.id });
      if (parts.some(({ status }) => status === "running")) break; // one runs, the other waits
      await sleep(10);
    }
    await jobs.port.cancel(parent.id);
    expect(await ended(parent.id)).toMatchObject({ status: "cancelled" });
    for (const { id } of await jobs.port.list({ parent: parent.id }))
      expect(await ended(id)).toMatchObject({ status: "cancelled" });
  });

  test("begins a job at each time of a schedule, once, however many workers look", async () => {
    const schedule = {
      name: "nightly",
      capability: "toy.work",
      input: { a: 1 },
      cron: "0 3 * * *",
      timeZone: "Europe/Berlin",
    };
    const { nextAt } = await jobs.port.schedule(schedule);
    expect(new Date(nextAt).toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin" })).toBe("03:00:00");
    expect(await runSchedules(state.db, jobs.queue)).toBe(0);
    await state.query("update fathom.job_schedules set next_at = now() - interval '3 days'");
    const counts = await Promise.all([1, 2, 3].map(() => runSchedules(state.db, jobs.queue)));
    expect(counts.reduce((total, count) => total + count, 0)).toBe(1);
    const [job] = await jobs.port.list();
    expect(job).toMatchObject({ capability: "toy.work", input: { a: 1 } });
    expect(await jobs.port.schedules()).toMatchObject([{ name: "nightly", lastJob: job.id, nextAt }]);
    await jobs.port.unschedule("nightly");
    await expect(jobs.port.unschedule("nightly")).rejects.toMatchObject({ code: "SCHEDULE_UNKNOWN" });
  });

  test.each([
    [{ cron: "* * * *" }, "cron"],
    [{ cron: "61 * * * *" }, "cron"],
    [{ cron: "* * * * * *" }, "cron"],
    [{ timeZone: "Mars/Olympus" }, "timeZone"],
  ])("refuses a schedule with %j", async (wrong, field) => {
    const request = { name: "n", capability: "toy.work", input: {}, cron: "* * * * *", ...wrong };
    await expect(async () => jobs.port.schedule(request)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      details: { field },
    });
  });

  test("gives jobs that wait the messages that they lack", async () => {
    const job = await submit();
    await state.query("delete from fathom_queue.job");
    expect(await jobs.mend()).toBe(1);
    expect(await jobs.mend()).toBe(0);
    work(() => done(null));
    await ended(job.id);
  });

  test("follows a job from any event to its end", async () => {
    const { id } = await submit();
    const followed = (async () => {
      const seen: [number, string][] = [];
      for await (const { sequence, type } of jobs.port.follow(id, {
        after: 1,
        signal: new AbortController().signal,
      }))
        seen.push([sequence, type]);
      return seen;
    })();
    work(() => done(null));
    expect(await followed).toEqual([
      [2, "started"],
      [3, "done"],
    ]);
  });

  test("lists the newest first, by status, capability and page", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++)
      ids.unshift((await submit({ capability: i % 2 ? "toy.odd" : "toy.even" })).id);
    const listed = async (filter: object) => (await jobs.port.list(filter)).map(({ id }) => id);
    expect(await listed({})).toEqual(ids);
    expect(await listed({ limit: 2 })).toEqual(ids.slice(0, 2));
    expect(await listed({ limit: 2, before: ids[1] })).toEqual(ids.slice(2, 4));
    expect(await listed({ capability: "toy.odd" })).toEqual([ids[1], ids[3]]);
    expect(await listed({ status: "done" })).toEqual([]);
    expect(await jobs.port.countQueued(3)).toBe(3);
  });
});

test("takes a script apart into its statements, and leaves the bodies of functions whole", () => {
  const script =
    "BEGIN; SET LOCAL a = '1s'; CREATE FUNCTION f() AS $$ BEGIN x; y; END; $$ LANGUAGE plpgsql; SELECT 1; COMMIT;";
  expect(statementsOf(script)).toEqual([
    "SET LOCAL a = '1s'",
    "CREATE FUNCTION f() AS $$ BEGIN x; y; END; $$ LANGUAGE plpgsql",
    "SELECT 1",
  ]);
});
