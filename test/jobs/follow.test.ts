/** Following a job that nobody takes. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Logger } from "../../src/base/index.ts";
import { claim } from "../../src/platform/jobs/attempts.ts";
import { type Jobs, openJobs } from "../../src/platform/jobs/index.ts";
import { systemClock } from "../../src/platform/local/index.ts";
import { openState, type State } from "../../src/platform/state/index.ts";
import { embeddedHome, type Home } from "../../src/platform/state/testing/homes.ts";
import { followJob } from "../../src/services/jobs/follow.ts";

const hint = "still queued, and no job is running: start a worker with fathom worker or fathom serve";

let home: Home;
let state: State;
let jobs: Jobs;
beforeAll(async () => {
  home = await embeddedHome();
  state = await openState(home);
  jobs = await openJobs(state, (_, input) => input);
});
afterAll(async () => {
  await state.close();
  await home.remove();
});

const submit = async (delaySeconds = 0) =>
  (await jobs.port.submit({ capability: "toy.work", input: {}, delaySeconds })).job.id;

/** Follows with a hint at once, until something was looked at or warned of. */
async function follow(id: string, until: (warned: readonly string[], looks: number) => boolean) {
  const leaving = new AbortController();
  const warned: string[] = [];
  let looks = 0;
  const logger: Logger = { info() {}, warn: (message) => void warned.push(message) };
  const port = {
    ...jobs.port,
    find: async (of: string) => {
      const job = await jobs.port.find(of);
      looks++;
      return job;
    },
  };
  const context = { progress: { report() {} }, logger, signal: leaving.signal, clock: systemClock };
  const followed = followJob(port, id, context, 0);
  const ended = expect(followed).rejects.toMatchObject({ code: "INTERRUPTED" });
  await vi.waitUntil(() => until(warned, looks), { timeout: 20_000 });
  leaving.abort();
  await ended;
  return warned;
}

test("says so when no job is running", async () => {
  expect(await follow(await submit(), (warned) => warned.length > 0)).toEqual([hint]);
});

test("says nothing of one that is to wait, or that waits behind others", async () => {
  expect(await follow(await submit(3_600), (_, looks) => looks > 0)).toEqual([]);
  const waiting = await submit();
  await claim(state.db, jobs.queue, { worker: "w", count: 1, leaseMs: 60_000 });
  expect(await follow(waiting, (_, looks) => looks > 0)).toEqual([]);
});
