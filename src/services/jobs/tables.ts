/** Jobs as text for people. */
import type { z } from "zod";
import type { JobView, LogsOutput, ScheduleView, WorkerView } from "./schema.ts";

type View = z.output<typeof JobView>;

const messages = {
  noJobs: "no jobs",
  noSchedules: "no schedules",
  noWorkers: "no worker is running; fathom worker or fathom serve starts one",
  job: ["job", "capability", "status", "attempt", "created", "progress"],
  schedule: ["schedule", "capability", "cron", "time zone", "next"],
  worker: ["worker", "what", "slots", "running", "since", "seen"],
  dead: (seen: string) => `${seen} (dead)`,
  follow: (id: string) => `follow   fathom jobs follow ${id}`,
} as const;

export function jobText(job: View): string {
  const failure = job.failure === null ? [] : [`failure  ${job.failure.code}: ${job.failure.message}`];
  return [`job      ${job.id}`, `status   ${job.status}`, ...failure, messages.follow(job.id)].join("\n");
}

export function jobTable(jobs: readonly View[]): string {
  if (jobs.length === 0) return messages.noJobs;
  return columns([
    messages.job,
    ...jobs.map((job) => [
      job.id,
      job.capability,
      job.isDeadLetter ? `${job.status} (dead letter)` : job.status,
      String(job.attempt),
      job.createdAt,
      job.progress === null ? "" : `${job.progress.stage} ${job.progress.done}/${job.progress.total}`,
    ]),
  ]);
}

export function scheduleTable(schedules: readonly z.output<typeof ScheduleView>[]): string {
  if (schedules.length === 0) return messages.noSchedules;
  return columns([
    messages.schedule,
    ...schedules.map(({ name, capability, cron, timeZone, nextAt }) => [
      name,
      capability,
      cron,
      timeZone,
      nextAt,
    ]),
  ]);
}

export function workerTable(workers: readonly z.output<typeof WorkerView>[]): string {
  if (workers.length === 0) return messages.noWorkers;
  return columns([
    messages.worker,
    ...workers.map(({ host, pid, what, concurrency, running, startedAt, seenAt, alive }) => [
      `${host}/${pid}`,
      what,
      String(concurrency),
      String(running),
      startedAt,
      alive ? seenAt : messages.dead(seenAt),
    ]),
  ]);
}

export function logText(events: z.output<typeof LogsOutput>["events"]): string {
  return events
    .filter(({ type }) => type !== "progress")
    .map(({ time, type, data }) => {
      const { level, message = "", code } = data as { level?: string; message?: string; code?: string };
      const words = [type === "log" ? level : type, code, message];
      return [time, ...words.filter((word) => word)].join("  ");
    })
    .join("\n");
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
