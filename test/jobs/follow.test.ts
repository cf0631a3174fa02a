/** Following a job that nobody takes. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { Logger } from "../../src/base/index.ts";
import { claim } from "../../src/platform/jobs/attempts.ts";
import type { Jobs } from "../../src/platform/jobs/index.ts";
import { keepPresence } from "../../src/platform/jobs/presence.ts";
import { testIdentity } from "../../src/platform/jobs/testing/identity.ts";
import { withTestJobs } from "../../src/platform/jobs/testing/jobs.ts";
import { systemClock } from "../../src/platform/local/index.ts";
import type { State } from "../../src/platform/state/index.ts";
import { homes } from "../../src/platform/state/testing/homes.ts";
import { followJob } from "../../src/services/jobs/follow.ts";

const hint = "queued, and no worker is running: start one with fathom worker or fathom serve";

describe.each(homes)("on $name", ({ makeHome }) => {
  let state: State;
  let jobs: Jobs;
  withTestJobs(makeHome, "fathom.workers, fathom.jobs", (world) => {
    ({ state, jobs } = world);
  });

  const submit = async (delaySeconds = 0) =>
    (await jobs.port.submit({ capability: "toy.work", input: {}, delaySeconds })).job.id;

  /** Follows until something was warned of, or it was looked so often; `everyMs` lies between the looks. */
  async function follow(
    id: string,
    until: (warned: readonly string[], looks: number) => boolean | Promise<boolean>,
    everyMs?: number,
  ) {
    const leaving = new AbortController();
    const warned: string[] = [];
    let looks = 0;
    const logger: Logger = { info() {}, warn: (message) => void warned.push(message) };
    const port: Jobs["port"] = {
      ...jobs.port,
      find: async (of) => {
        const job = await jobs.port.find(of);
        looks++;
        return job;
      },
    };
    const context = { progress: { report() {} }, logger, signal: leaving.signal, clock: systemClock };
    const followed = followJob(port, id, context, everyMs);
    const ended = expect(followed).rejects.toMatchObject({ code: "INTERRUPTED" });
    await vi.waitUntil(() => until(warned, looks), { timeout: 20_000 });
    leaving.abort();
    await ended;
    return warned;
  }

  async function worker() {
    const presence = keepPresence({
      db: state.db,
      identity: testIdentity(),
      concurrency: 1,
      running: () => 0,
      leaseMs: 60_000,
      clock: systemClock,
      logger: { info() {}, warn() {} },
    });
    await vi.waitUntil(async () => (await jobs.port.workers()).length > 0);
    return presence;
  }

  test("says at once, and once, that no worker is running", async () => {
    const id = await submit();
    const atFirst = async (warned: readonly string[], looks: number) => {
      expect(looks).toBeLessThan(2);
      return warned.length > 0;
    };
    expect(await follow(id, atFirst)).toEqual([hint]);
    const later = (warned: readonly string[]) => warned.length > 0 && sleep(200).then(() => true);
    expect(await follow(id, later, 10)).toEqual([hint]);
  });

  test("says nothing of a job that is to wait, that runs, or that an idle worker is about to take", async () => {
    expect(await follow(await submit(3_600), (_, looks) => looks > 8, 10)).toEqual([]);
    const taken = await submit();
    await claim(state.db, jobs.queue, { worker: "w", count: 1, leaseMs: 60_000 });
    expect(await follow(taken, (_, looks) => looks > 8, 10)).toEqual([]);
    const { leave } = await worker();
    expect(await follow(await submit(), (_, looks) => looks > 8, 10)).toEqual([]);
    await leave();
  });

  test("says it when the last worker has died meanwhile", async () => {
    const { leave } = await worker();
    const warned = await follow(
      await submit(),
      async (so, looks) => {
        if (looks === 8) expect(so).toEqual([]);
        if (looks > 8) await state.query("update fathom.workers set seen_at = now() - interval '1 hour'");
        return so.length > 0;
      },
      10,
    );
    expect(warned).toEqual([hint]);
    await leave();
  });
});
