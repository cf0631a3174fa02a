import { z } from "zod";
import { type Context, capability, type JobsPort } from "../../base/index.ts";
import { followJob } from "./follow.ts";
import {
  DeadLettersInput,
  eventView,
  FullJobView,
  fullJobView,
  JobInput,
  JobView,
  jobView,
  ListInput,
  ListOutput,
  LogsInput,
  LogsOutput,
  RedriveInput,
  RedriveOutput,
  ScheduleInput,
  SchedulesOutput,
  ScheduleView,
  SubmitInput,
  SubmitOutput,
  scheduleView,
  UnscheduleInput,
  WorkersOutput,
  workerView,
} from "./schema.ts";
import { jobTable, jobText, logText, scheduleTable, workerTable } from "./tables.ts";

const jobsOf = async (context: Context): Promise<JobsPort> => (await context.platform()).jobs;

export const submitJob = capability({
  name: "jobs.submit",
  summary: "Queue a capability as a job, with priority, key, time limit and attempts",
  input: SubmitInput,
  output: SubmitOutput,
  positional: "capability",
  print: ({ job }) => jobText(job),
  async run({ request, ...asked }, context) {
    const { job, isNew } = await (await jobsOf(context)).submit({ ...asked, input: request });
    return { job: jobView(job), isNew };
  },
});

export const listJobs = capability({
  name: "jobs.list",
  effect: "reads",
  summary: "The jobs, newest first",
  input: ListInput,
  output: ListOutput,
  print: ({ jobs }) => jobTable(jobs),
  run: async (filter, context) => ({
    jobs: (await (await jobsOf(context)).list(filter)).map(jobView),
  }),
});

export const showJob = capability({
  name: "jobs.show",
  effect: "reads",
  summary: "A job with its input and output",
  input: JobInput,
  output: FullJobView,
  positional: "id",
  run: async ({ id }, context) => fullJobView(await (await jobsOf(context)).find(id)),
});

export const jobLogs = capability({
  name: "jobs.logs",
  effect: "reads",
  summary: "What happened to a job, and the lines that it logged",
  input: LogsInput,
  output: LogsOutput,
  positional: "id",
  print: ({ events }) => logText(events),
  run: async ({ id, after }, context) => ({
    events: (await (await jobsOf(context)).events(id, after)).map(eventView),
  }),
});

export const followJobs = capability({
  name: "jobs.follow",
  effect: "reads",
  summary: "Watch a job until it has ended, and answer with its output",
  input: JobInput,
  output: FullJobView,
  positional: "id",
  print: ({ output }) => JSON.stringify(output, null, 2),
  run: async ({ id }, context) => fullJobView(await followJob(await jobsOf(context), id, context)),
});

export const cancelJob = capability({
  name: "jobs.cancel",
  effect: "destroys",
  summary: "Ask a job and all of its parts to stop",
  input: JobInput,
  output: JobView,
  positional: "id",
  print: jobText,
  run: async ({ id }, context) => jobView(await (await jobsOf(context)).cancel(id)),
});

export const retryJob = capability({
  name: "jobs.retry",
  summary: "Queue a job that failed or was cancelled anew",
  input: JobInput,
  output: JobView,
  positional: "id",
  print: jobText,
  run: async ({ id }, context) => jobView(await (await jobsOf(context)).retry(id)),
});

export const deadLetters = capability({
  name: "jobs.deadLetters",
  effect: "reads",
  summary: "Jobs whose attempts were used up by what may have passed since",
  input: DeadLettersInput,
  output: ListOutput,
  print: ({ jobs }) => jobTable(jobs),
  run: async (filter, context) => ({
    jobs: (await (await jobsOf(context)).list({ ...filter, deadLetters: true })).map(jobView),
  }),
});

export const redriveJobs = capability({
  name: "jobs.redrive",
  summary: "Queue dead letters anew",
  input: RedriveInput,
  output: RedriveOutput,
  print: ({ queued }) => queued.join("\n"),
  run: async (filter, context) => ({ queued: await (await jobsOf(context)).redrive(filter) }),
});

export const scheduleJob = capability({
  name: "jobs.schedule",
  summary: "Begin a job again and again, by cron in a time zone",
  input: ScheduleInput,
  output: ScheduleView,
  positional: "name",
  print: (schedule) => scheduleTable([schedule]),
  run: async ({ request, ...schedule }, context) =>
    scheduleView(await (await jobsOf(context)).schedule({ ...schedule, input: request })),
});

export const listSchedules = capability({
  name: "jobs.schedules",
  effect: "reads",
  summary: "The schedules by name",
  input: z.object({}),
  output: SchedulesOutput,
  print: ({ schedules }) => scheduleTable(schedules),
  run: async (_, context) => ({ schedules: (await (await jobsOf(context)).schedules()).map(scheduleView) }),
});

export const unscheduleJob = capability({
  name: "jobs.unschedule",
  effect: "destroys",
  summary: "End a schedule; jobs that it began stay",
  input: UnscheduleInput,
  output: z.object({ name: z.string() }),
  positional: "name",
  print: ({ name }) => name,
  async run({ name }, context) {
    await (await jobsOf(context)).unschedule(name);
    return { name };
  },
});

export const listWorkers = capability({
  name: "jobs.workers",
  effect: "reads",
  summary: "Who takes jobs, on this machine and others, newest first",
  input: z.object({}),
  output: WorkersOutput,
  print: ({ workers }) => workerTable(workers),
  run: async (_, context) => ({ workers: (await (await jobsOf(context)).workers()).map(workerView) }),
});
