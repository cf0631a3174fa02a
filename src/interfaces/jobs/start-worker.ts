/** A worker of this process with its processes, as `fathom serve` and `fathom worker` run it. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Compute, Logger } from "../../base/index.ts";
import {
  type Executor,
  type Outcome,
  runInProcesses,
  startWorker,
  type Worker,
} from "../../platform/jobs/index.ts";
import { type LazyPlatform, systemClock } from "../../platform/local/index.ts";
import { type JobWatch, watchJob } from "../../platform/traces/index.ts";
import type { RunnerWorld } from "./runner.ts";

const isSource = import.meta.url.endsWith(".ts");

export interface LocalWorkerOptions {
  readonly platform: LazyPlatform;
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
  /** Its threads are shared by the jobs that run at a time. */
  readonly compute: Compute;
  readonly logger: Logger;
  /** The command of this process, for those who look which workers there are. */
  readonly what: string;
  /** Of Fathom. */
  readonly version: string;
  readonly concurrency: number;
  readonly leaseSeconds: number;
  readonly stopSeconds: number;
  /** Hears of every attempt: its span, and what it took. */
  readonly watch?: JobWatch | undefined;
  /** Serves a process that runs jobs; every capability of Fathom when absent. */
  readonly module?: URL | undefined;
}

export async function startLocalWorker(options: LocalWorkerOptions): Promise<Worker> {
  const { platform, dataFolder, databaseUrl, compute, logger, concurrency, what, version } = options;
  const { pid } = process;
  const host = hostname();
  const leaseMs = options.leaseSeconds * 1000;
  const threads = Math.max(1, Math.floor(compute.threads / concurrency));
  const world: RunnerWorld = { dataFolder, databaseUrl, compute: { ...compute, threads } };
  const executor = runInProcesses({
    module: options.module ?? new URL(isSource ? "./child.ts" : "./child.js", import.meta.url),
    nodeFlags: isSource ? ["--import", "tsx"] : [],
    world,
    leaseMs: 0.8 * leaseMs, // a process ends before its lease does, whatever the way of a renewal takes
  });
  return startWorker({
    jobs: await platform.jobs(),
    executor: options.watch === undefined ? executor : watched(executor, options.watch),
    clock: systemClock,
    logger,
    name: `${host}/${pid}`,
    // Containers may share names and numbers; a worker is told from all others by its id.
    identity: { id: randomUUID(), host, pid, what, version },
    concurrency,
    leaseMs,
    graceMs: options.stopSeconds * 1000,
  });
}

/** An attempt that did not end well, on its way through a watch that hears of failures as errors. */
class Ended extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

function watched(executor: Executor, watch: JobWatch): Executor {
  return {
    ...executor,
    async run(job, supervision) {
      const { id, capability: name } = job;
      try {
        return await watchJob(watch, { id, name, signal: supervision.signal }, async () => {
          const outcome = await executor.run(job, supervision);
          if (outcome.kind !== "done") throw new Ended(outcome);
          return outcome;
        });
      } catch (error) {
        if (error instanceof Ended) return error.outcome;
        throw error;
      }
    },
  };
}
