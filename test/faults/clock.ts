/** A machine whose wall clock jumps to and fro by days while its worker runs jobs. */
import { openJobs, startWorker } from "../../src/platform/jobs/index.ts";
import { testIdentity } from "../../src/platform/jobs/testing/identity.ts";
import { openState } from "../../src/platform/state/index.ts";

export interface ClockResult {
  readonly jobs: number;
  readonly done: number;
  /** Attempts over all jobs; more than one for each means that a lease was lost. */
  readonly attempts: number;
  /** Jobs whose times are not in order, or further than an hour from each other. */
  readonly disordered: number;
}

export async function jumpClock(
  home: { readonly folder: string; readonly url: string | undefined },
  count: number,
): Promise<ClockResult> {
  const state = await openState(home);
  const jobs = await openJobs(state, (_, input) => input);
  let jumps = 0;
  const worker = startWorker({
    jobs,
    clock: { now: () => 86_400_000 * (jumps++ % 2 === 0 ? 40_000 : 10), elapsed: () => performance.now() },
    executor: {
      async run({ input }, { report, signal }) {
        for (let step = 1; step <= 3 && !signal.aborted; step++) {
          report({ stage: "work", done: step, total: 3 });
          await new Promise((resolve) => setTimeout(resolve, 150));
        }
        return { kind: "done", output: JSON.stringify(input) };
      },
      close: async () => {},
    },
    logger: { info() {}, warn() {} },
    name: "jumping",
    identity: testIdentity(),
    concurrency: 10,
    leaseMs: 1_000,
  });
  try {
    const ids: string[] = [];
    for (let i = 0; i < count; i++)
      ids.push((await jobs.port.submit({ capability: "toy.work", input: { i } })).job.id);
    for (const id of ids)
      for await (const _ of jobs.port.follow(id, { signal: new AbortController().signal }));
    const all = await Promise.all(ids.map((id) => jobs.port.find(id)));
    return {
      jobs: count,
      done: all.filter(({ status }) => status === "done").length,
      attempts: all.reduce((total, { attempt }) => total + attempt, 0),
      disordered: all.filter(({ createdAt, startedAt, endedAt }) => {
        const times = [createdAt, startedAt ?? Number.NaN, endedAt ?? Number.NaN];
        return !(times[0] <= times[1] && times[1] <= times[2] && times[2] - times[0] < 3_600_000);
      }).length,
    };
  } finally {
    await worker.stop();
    await state.close();
  }
}
