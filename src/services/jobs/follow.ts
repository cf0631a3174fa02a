import { setTimeout as sleep } from "node:timers/promises";
import {
  type Context,
  type Job,
  type JobsPort,
  PlatformError,
  type Progress,
  throwIfAborted,
} from "../../base/index.ts";

const messages = {
  noWorker: "queued, and no worker is running: start one with fathom worker or fathom serve",
} as const;

/** So often it is looked whether a job that waits has anybody to wait for. */
const hintEveryMs = 3_000;

/**
 * Passes on what a job reports and logs until it has ended, as if it ran here. Where it waits and no worker is alive, that is said
 * once: at once, or when the last one has gone.
 *
 * @throws PlatformError what the job failed with, or `INTERRUPTED`; following ends with the signal, the job goes on
 */
export async function followJob(
  jobs: JobsPort,
  id: string,
  { progress, logger, signal, clock }: Pick<Context, "progress" | "logger" | "signal" | "clock">,
  everyMs = hintEveryMs,
): Promise<Job> {
  const over = new AbortController();
  void hint(jobs, id, { logger, clock, signal: over.signal }, everyMs);
  try {
    await passOn(jobs, id, { progress, logger, signal });
  } finally {
    over.abort();
  }
  throwIfAborted(signal, `jobs.follow ${id}`);
  const job = await jobs.find(id);
  if (job.failure === null) return job;
  const { kind, code, message, details } = job.failure;
  if (kind === "bug") throw new Error(message);
  throw new PlatformError(kind as never, code as never, message, details);
}

async function hint(
  jobs: JobsPort,
  id: string,
  { logger, clock, signal }: Pick<Context, "logger" | "clock" | "signal">,
  everyMs: number,
): Promise<void> {
  const isForNobody = async () => {
    const { status, runAfter } = await jobs.find(id);
    return (
      status === "queued" && runAfter <= clock.now() && !(await jobs.workers()).some(({ alive }) => alive)
    );
  };
  while (!signal.aborted) {
    // A database that does not answer is told of by the one who follows.
    const isTold = await isForNobody().catch(() => false);
    if (isTold && !signal.aborted) return logger.warn(messages.noWorker);
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

async function passOn(
  jobs: JobsPort,
  id: string,
  { progress, logger, signal }: Pick<Context, "progress" | "logger" | "signal">,
): Promise<void> {
  for await (const { type, data } of jobs.follow(id, { signal })) {
    if (type === "progress") progress.report(data as Progress);
    else if (type === "log") {
      const { level, message, values } = data as {
        level: "info" | "warn";
        message: string;
        values?: Readonly<Record<string, unknown>>;
      };
      logger[level](message, values);
    } else if (type === "retrying") {
      const { code, message } = data as { code: string; message: string };
      logger.warn(`${code}: ${message}`);
    }
  }
}
