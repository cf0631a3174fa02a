import {
  type Context,
  type Job,
  type JobsPort,
  PlatformError,
  type Progress,
  throwIfAborted,
} from "../../base/index.ts";

const messages = {
  stillQueued: "still queued, and no job is running: start a worker with fathom worker or fathom serve",
} as const;

/** A worker that has nothing to do takes a job within a second. */
const queuedHintMs = 3_000;

/**
 * Passes on what a job reports and logs until it has ended, as if it ran here.
 *
 * @param hintMs after so long it says that nobody takes the job, where that is so
 * @throws PlatformError what the job failed with, or `INTERRUPTED`; following ends with the signal, the job goes on
 */
export async function followJob(
  jobs: JobsPort,
  id: string,
  { progress, logger, signal, clock }: Pick<Context, "progress" | "logger" | "signal" | "clock">,
  hintMs = queuedHintMs,
): Promise<Job> {
  const hint = async () => {
    const { status, runAfter } = await jobs.find(id);
    if (status !== "queued" || runAfter > clock.now()) return;
    const running = await jobs.list({ status: "running", limit: 1 });
    if (running.length === 0) logger.warn(messages.stillQueued);
  };
  // A database that does not answer is told of by the one who follows.
  const timer = setTimeout(() => void hint().catch(() => {}), hintMs);
  try {
    await passOn(jobs, id, { progress, logger, signal });
  } finally {
    clearTimeout(timer);
  }
  throwIfAborted(signal, `jobs.follow ${id}`);
  const job = await jobs.find(id);
  if (job.failure === null) return job;
  const { kind, code, message, details } = job.failure;
  if (kind === "bug") throw new Error(message);
  throw new PlatformError(kind as never, code as never, message, details);
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
