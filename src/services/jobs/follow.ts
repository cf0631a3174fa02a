import {
  type Context,
  type Job,
  type JobsPort,
  PlatformError,
  type Progress,
  throwIfAborted,
} from "../../base/index.ts";

/**
 * Passes on what a job reports and logs until it has ended, as if it ran here.
 *
 * @throws PlatformError what the job failed with, or `INTERRUPTED`; following ends with the signal, the job goes on
 */
export async function followJob(
  jobs: JobsPort,
  id: string,
  { progress, logger, signal }: Pick<Context, "progress" | "logger" | "signal">,
): Promise<Job> {
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
  throwIfAborted(signal, `jobs.follow ${id}`);
  const job = await jobs.find(id);
  if (job.failure === null) return job;
  const { kind, code, message, details } = job.failure;
  if (kind === "bug") throw new Error(message);
  throw new PlatformError(kind as never, code as never, message, details);
}
