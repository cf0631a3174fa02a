/** What goes into and comes out of the capabilities about jobs. */
import { z } from "zod";
import {
  type Job,
  type JobEvent,
  type JobSchedule,
  jobEventTypes,
  jobStatuses,
  type WorkerInfo,
} from "../../base/index.ts";

const Time = z.iso.datetime();
const MaybeTime = Time.nullable();
const Id = z.string().min(1).describe("the job");
const Capability = z.string().min(1).describe("what is to run, such as forecast.train");
const Request = z
  .record(z.string(), z.unknown())
  .default({})
  .describe("the input of the capability, as JSON")
  .meta({ examples: [{ data: "simulated" }] });

export const JobView = z.object({
  id: z.string(),
  capability: z.string(),
  status: z.enum(jobStatuses),
  actor: z.string().describe("who asked for it"),
  priority: z.int(),
  attempt: z.int().describe("how often a worker took it"),
  failures: z.int().describe("attempts that failed, crashed, took too long or lost their worker"),
  attempts: z.int().describe("so many failures end it"),
  isDeadLetter: z.boolean().describe("its attempts were used up by what may have passed"),
  cancelRequested: z.boolean(),
  parent: z.string().nullable().describe("the job that it is a part of"),
  place: z.int().nullable().describe("its place there"),
  worker: z.string().nullable().describe("the worker that has it, or had it last"),
  idempotencyKey: z.string().nullable(),
  timeoutSeconds: z.number().nullable(),
  createdAt: Time,
  runAfter: Time.describe("not taken before"),
  startedAt: MaybeTime,
  endedAt: MaybeTime,
  progress: z
    .object({
      stage: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.string().optional(),
      message: z.string().optional(),
      values: z.record(z.string(), z.number().nullable()).optional(),
    })
    .nullable(),
  failure: z.object({ kind: z.string(), code: z.string(), message: z.string() }).nullable(),
});

export const FullJobView = JobView.extend({
  input: z.unknown().describe("with its defaults filled in"),
  output: z.unknown().describe("what the capability answered, when it is done"),
});

export const SubmitInput = z.object({
  capability: Capability,
  request: Request,
  idempotencyKey: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe("asked for again with the same key, it is the same job"),
  priority: z.int().min(-1000).max(1000).default(0).describe("higher is taken first"),
  attempts: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe("how often it may be tried when what failed may pass"),
  retryDelaySeconds: z
    .number()
    .positive()
    .max(3600)
    .default(5)
    .describe("mean wait before the second attempt; doubles with each further one, an hour at most"),
  timeoutSeconds: z
    .number()
    .positive()
    .max(2_000_000)
    .optional()
    .describe("how long one attempt may take; no limit by default"),
  delaySeconds: z
    .number()
    .min(0)
    .max(31_536_000)
    .default(0)
    .describe("not taken before so many seconds have passed"),
});
export const SubmitOutput = z.object({
  job: JobView,
  isNew: z.boolean().describe("false when the key gave a job that was there"),
});

export const JobInput = z.object({ id: Id });
export const ListInput = z.object({
  status: z.enum(jobStatuses).optional().describe("only jobs in this state"),
  capability: z.string().min(1).optional().describe("only jobs of this capability"),
  parent: z.string().min(1).optional().describe("only the parts of this job"),
  limit: z.int().min(1).max(1000).default(50).describe("at most so many, newest first"),
  before: z.string().min(1).optional().describe("only jobs older than this one, to read on"),
});
export const ListOutput = z.object({ jobs: z.array(JobView) });

export const LogsInput = z.object({
  id: Id,
  after: z.int().min(0).default(0).describe("only what came after the event with this number"),
});
export const LogsOutput = z.object({
  events: z.array(
    z.object({
      sequence: z.int().describe("counts from 1; progress that is long past is forgotten"),
      time: Time,
      type: z.enum(jobEventTypes),
      data: z.unknown(),
    }),
  ),
});

export const DeadLettersInput = ListInput.pick({ capability: true, limit: true, before: true });
export const RedriveInput = z.object({
  capability: z.string().min(1).optional().describe("only dead letters of this capability"),
});
export const RedriveOutput = z.object({ queued: z.array(z.string()).describe("the jobs that wait again") });

export const ScheduleInput = z.object({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[\w.-]+$/)
    .describe("of the schedule; one with this name is replaced"),
  capability: Capability,
  request: Request,
  cron: z
    .string()
    .min(1)
    .max(200)
    .describe("minute, hour, day of the month, month, day of the week")
    .meta({ examples: ["30 6 * * 1-5"] }),
  timeZone: z
    .string()
    .min(1)
    .max(100)
    .default("UTC")
    .describe("where the hours of cron are counted")
    .meta({ examples: ["Europe/Berlin"] }),
});
export const ScheduleView = z.object({
  name: z.string(),
  capability: z.string(),
  cron: z.string(),
  timeZone: z.string(),
  nextAt: Time,
  lastJob: z.string().nullable(),
  input: z.unknown(),
});
export const SchedulesOutput = z.object({ schedules: z.array(ScheduleView) });
export const UnscheduleInput = z.object({ name: z.string().min(1).describe("of the schedule") });

export const WorkerView = z.object({
  id: z.string(),
  host: z.string().describe("its machine, as that calls itself"),
  pid: z.int().describe("its process there; host/pid is what a job calls its worker"),
  what: z.string().describe("the command that it is, or is a part of"),
  version: z.string().describe("of Fathom"),
  concurrency: z.int().describe("jobs that it takes at a time"),
  running: z.int().describe("jobs that it has; those that wait for their parts count, and take no place"),
  startedAt: Time,
  seenAt: Time.describe("when it last said that it runs, by the database's clock"),
  alive: z.boolean().describe("seen within its lease; one that was killed stays listed for a while"),
});
export const WorkersOutput = z.object({ workers: z.array(WorkerView) });

const timeOf = (ms: number) => new Date(ms).toISOString();
const maybeTimeOf = (ms: number | null) => (ms === null ? null : timeOf(ms));

export function jobView({ input: _, output: __, workingFolder: ___, ...job }: Job): z.output<typeof JobView> {
  const { failure, createdAt, runAfter, startedAt, endedAt } = job;
  return {
    ...job,
    failure: failure && { kind: failure.kind, code: failure.code, message: failure.message },
    progress: job.progress && {
      ...job.progress,
      ...(job.progress.values && { values: { ...job.progress.values } }),
    },
    createdAt: timeOf(createdAt),
    runAfter: timeOf(runAfter),
    startedAt: maybeTimeOf(startedAt),
    endedAt: maybeTimeOf(endedAt),
  } as z.output<typeof JobView>;
}

export function fullJobView(job: Job): z.output<typeof FullJobView> {
  return { ...jobView(job), input: job.input, output: job.output };
}

export function eventView({ sequence, time, type, data }: JobEvent) {
  return { sequence, time: timeOf(time), type, data };
}

export function scheduleView({ workingFolder: _, actor: __, nextAt, ...schedule }: JobSchedule) {
  return { ...schedule, nextAt: timeOf(nextAt) };
}

export function workerView({ startedAt, seenAt, ...worker }: WorkerInfo) {
  return { ...worker, startedAt: timeOf(startedAt), seenAt: timeOf(seenAt) };
}
