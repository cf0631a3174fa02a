import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Clock, WorkerInfo } from "../../base/index.ts";
import type { State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import type { Jobs } from "./jobs.ts";
import { keepPresence, type PresenceOptions } from "./presence.ts";
import { testIdentity } from "./testing/identity.ts";
import { withTestJobs } from "./testing/jobs.ts";
import { forgetDead } from "./upkeep.ts";
import { startWorker, type WorkerOptions } from "./worker.ts";

const clock: Clock = { now: () => 0, elapsed: () => performance.now() };
const patience = { timeout: 30_000, interval: 20 };

describe.each(homes)("workers on $name", ({ makeHome }) => {
  let home: Home;
  let state: State;
  let jobs: Jobs;
  withTestJobs(makeHome, "fathom.workers, fathom.jobs", (world) => {
    ({ home, state, jobs } = world);
  });

  const listed = () => jobs.port.workers();
  const found = async (id: string) => (await listed()).find((one) => one.id === id);
  async function seen(id: string, so: (worker: WorkerInfo) => boolean = () => true): Promise<WorkerInfo> {
    const look = async () => {
      const worker = await found(id);
      return worker !== undefined && so(worker) ? worker : undefined;
    };
    return (await vi.waitUntil(look, patience)) as WorkerInfo;
  }

  /** A worker whose jobs end when `release` is called. */
  function work(options: Partial<WorkerOptions> = {}) {
    const identity = testIdentity();
    const warnings: string[] = [];
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const executor: WorkerOptions["executor"] = {
      run: async () => {
        await released;
        return { kind: "done", output: "1" };
      },
      close: async () => {},
    };
    const logger = { info() {}, warn: (message: string) => void warnings.push(message) };
    const fixed = { jobs, executor, clock, logger, name: "here", identity, leaseMs: 6_000 };
    const worker = startWorker({ ...fixed, ...options });
    onTestFinished(async () => {
      release();
      await worker.stop();
    });
    return { worker, identity, warnings, release };
  }

  /** The row alone, renewed quickly. */
  function present(options: Partial<PresenceOptions> = {}) {
    const identity = testIdentity();
    const warnings: string[] = [];
    const logger = { info() {}, warn: (message: string) => void warnings.push(message) };
    const fixed = { db: state.db, identity, concurrency: 1, running: () => 0, leaseMs: 600, clock, logger };
    const presence = keepPresence({ ...fixed, leastMs: 20, ...options });
    onTestFinished(() => presence.leave());
    return { identity, warnings, leave: () => presence.leave() };
  }

  test("are seen while they run, with what they have to do, and no longer when they have stopped", async () => {
    const { worker, identity, release, warnings } = work({ concurrency: 3 });
    const idle = await seen(identity.id);
    expect(idle).toMatchObject({ ...identity, concurrency: 3, running: 0, alive: true });
    const asked = { capability: "toy.work", input: {} };
    await Promise.all([jobs.port.submit(asked), jobs.port.submit(asked)]);
    const busy = await seen(identity.id, ({ running }) => running === 2);
    expect(busy.seenAt).toBeGreaterThan(idle.seenAt);
    release();
    await seen(identity.id, ({ running }) => running === 0);
    await worker.stop();
    expect(await listed()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test("are renewed though nothing changes, and not without end between two looks", async () => {
    const { identity } = present();
    const first = await seen(identity.id);
    const later = await seen(identity.id, ({ seenAt }) => seenAt > first.seenAt + 1_500); // beyond two leases
    expect(later).toMatchObject({ running: 0, alive: true });
    expect(Math.abs(later.startedAt - first.startedAt)).toBeLessThan(1);
    const writes = new Set<number>();
    const until = performance.now() + 1_000;
    while (performance.now() < until) {
      writes.add((await seen(identity.id)).seenAt);
      await sleep(5);
    }
    expect(writes.size).toBeGreaterThan(2);
    expect(writes.size).toBeLessThan(9); // each third of 600 ms, with a look's worth of play
  });

  test("are listed newest first", async () => {
    const older = present();
    await seen(older.identity.id);
    const newer = present();
    await seen(newer.identity.id);
    expect((await listed()).map(({ id }) => id)).toEqual([newer.identity.id, older.identity.id]);
  });

  test("are known by the clock of the database, whatever theirs says", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2090-01-01") });
    onTestFinished(() => void vi.useRealTimers());
    const { identity } = present({ clock: { ...clock, now: () => Date.now() } });
    const { startedAt, seenAt, alive } = await seen(identity.id);
    const [{ now }] = await state.query<{ now: number }>(
      "select extract(epoch from now())::float8 * 1000 as now",
    );
    expect(alive).toBe(true);
    for (const time of [startedAt, seenAt]) expect(Math.abs(now - time)).toBeLessThan(10_000);
  });

  test("come back as they were when they had been taken for dead", async () => {
    const { identity } = present();
    const first = await seen(identity.id);
    await sleep(1_500);
    await state.query("delete from fathom.workers");
    const again = await seen(identity.id);
    expect(Math.abs(again.startedAt - first.startedAt)).toBeLessThan(500);
  });

  test("are dead a lease after kill -9, and forgotten some leases later by any other worker", async () => {
    const file = fileURLToPath(new URL("./testing/worker.ts", import.meta.url));
    const words = ["--import", "tsx", file, home.folder, ...(home.url === undefined ? [] : [home.url])];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [line] = await once(child.stdout, "data");
    const id = String(line).trim();
    expect(await seen(id)).toMatchObject({ pid: child.pid, what: "fathom worker", alive: true });
    child.kill("SIGKILL");
    await once(child, "close");
    const { seenAt } = await seen(id, ({ alive }) => !alive);
    const [{ now }] = await state.query<{ now: number }>(
      "select extract(epoch from now())::float8 * 1000 as now",
    );
    expect(now - seenAt).toBeGreaterThanOrEqual(6_000);

    const other = work();
    await seen(other.identity.id);
    expect(await forgetDead(state.db)).toBe(0);
    expect(await found(id)).toBeDefined();
    await other.worker.stop();
    await state.query("update fathom.workers set seen_at = now() - interval '25 seconds'");
    const next = work();
    await seen(next.identity.id);
    await vi.waitUntil(async () => (await found(id)) === undefined, patience);
    expect(await found(next.identity.id)).toMatchObject({ alive: true });
  });

  const away = (name: string, to: string) => state.query(`alter table fathom.${name} rename to ${to}`);

  test("say once that their row cannot be written, and again after it could", async () => {
    const { identity, warnings } = present();
    await seen(identity.id);
    for (const times of [1, 2]) {
      await away("workers", "workers_away");
      await vi.waitUntil(() => warnings.length === times, patience);
      await sleep(500); // several more looks
      await away("workers_away", "workers");
      const before = await seen(identity.id);
      await seen(identity.id, ({ seenAt }) => seenAt > before.seenAt);
      expect(warnings).toHaveLength(times);
    }
    expect(warnings[0]).toMatch(/^the worker could not tell .*: relation "fathom.workers" does not exist$/);
  });

  test("run and settle jobs, and stop, while their row cannot be written", async () => {
    await away("workers", "workers_away");
    try {
      const { worker, warnings, release } = work();
      release();
      const { job } = await jobs.port.submit({ capability: "toy.work", input: {} });
      await vi.waitUntil(async () => (await jobs.port.find(job.id)).endedAt !== null, patience);
      expect(await jobs.port.find(job.id)).toMatchObject({ status: "done", attempt: 1, failures: 0 });
      await worker.stop();
      expect(warnings.filter((line) => line.startsWith("the worker could not tell"))).toHaveLength(1);
    } finally {
      await away("workers_away", "workers");
    }
  });
});
