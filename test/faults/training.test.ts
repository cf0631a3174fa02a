/** The real training as a job, under everything that can stop it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openJobs } from "../../src/platform/jobs/index.ts";
import { openState } from "../../src/platform/state/index.ts";
import { homes } from "../../src/platform/state/testing/homes.ts";

const epochs = 16;
const training = [
  ...["forecast", "train", "--data", "simulated", "--lookback", "10"],
  ...["--hidden-size", "8", "--epochs", String(epochs), "--patience", String(epochs)],
];

interface Job {
  readonly status: string;
  readonly attempt: number;
  readonly failures: number;
  readonly worker: string;
  readonly progress: { readonly stage: string; readonly message?: string } | null;
  readonly output: { readonly resumedFrom: number; readonly test: object; readonly history: object[] };
}

test("goes on from its last checkpoint when a worker is killed or stopped, and ends as if nothing had been", async () => {
  const home = await homes[homes.length - 1].makeHome();
  onTestFinished(() => home.remove());
  const start = (words: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, ["bin/fathom.js", ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, FATHOM_DATA_FOLDER: home.folder, ...(home.url && { DATABASE_URL: home.url }) },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const fathom = async (...words: string[]) => {
    const child = start([...words, "--json", "--quiet"]);
    const [out, error] = await Promise.all([text(child.stdout as never), text(child.stderr as never)]);
    expect(error).not.toContain("error ");
    return JSON.parse(out);
  };
  const work = () => start(["worker", "--lease-seconds", "2"]);
  const state = await openState({ folder: join(home.folder, "state"), url: home.url });
  onTestFinished(() => state.close());
  const { port } = await openJobs(state, (_, input) => input);
  const show = async (id: string) => (await port.find(id)) as unknown as Job;
  const reached = async (id: string, epoch: number, worker: ChildProcess) => {
    for (;;) {
      const { status, progress, worker: name } = await show(id);
      if (status === "done") throw new Error("the training was over before it could be stopped");
      const at = Number(/^epoch (\d+)/.exec(progress?.message ?? "")?.[1] ?? 0);
      if (name?.endsWith(`/${worker.pid}`) && at >= epoch) return;
      await sleep(20);
    }
  };

  const uninterrupted = (await fathom(...training, "--out", "direct")) as Job["output"];
  const { job: id } = await fathom(...training, "--out", "job", "--detach");
  expect(await show(id)).toMatchObject({ status: "queued", attempt: 0 });

  const first = work();
  await reached(id, 3, first);
  first.kill("SIGKILL");

  const second = work();
  await reached(id, 6, second);
  const ended = once(second, "exit");
  second.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(await show(id)).toMatchObject({ status: "queued", attempt: 2, failures: 1 });

  work();
  const done = (await fathom("jobs", "follow", id)) as Job;
  expect(done).toMatchObject({ status: "done", attempt: 3, failures: 1 });
  expect(done.output.resumedFrom).toBeGreaterThanOrEqual(5);
  expect(done.output.history).toHaveLength(epochs);
  expect(done.output.test).toEqual(uninterrupted.test);
  const { events } = await fathom("jobs", "logs", id);
  const retries = events.filter(({ type }: { type: string }) => type === "retrying");
  expect(retries.map(({ data }: { data: { code: string } }) => data.code)).toEqual([
    "JOB_LEASE_LOST",
    "INTERRUPTED",
  ]);
});
