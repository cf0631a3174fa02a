/**
 * Jobs as one caller over the network may see and ask for them: of capabilities that the caller has the right to, with paths inside of
 * the data folder. What belongs to others is unknown. To have a job begin again takes every right that it took to submit it.
 */
import {
  type Access,
  allows,
  type Capability,
  type Context,
  type Job,
  type JobRequest,
  type JobsPort,
  missingRight,
  PlatformError,
} from "../../base/index.ts";
import { isServedName } from "./input.ts";
import { messages } from "./messages.ts";
import { confinePaths } from "./paths.ts";

export interface ConfinedJobsOptions {
  readonly capabilities: readonly Capability[];
  readonly dataFolder: string;
  /** What the server fills in, by capability: a served model may lie anywhere. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly actor?: string | undefined;
  /** What the caller may do; everything when absent. */
  readonly scopes?: readonly string[] | undefined;
}

export function confinedJobs(
  jobs: JobsPort,
  { capabilities, dataFolder, defaults = {}, actor = "http", scopes }: ConfinedJobsOptions,
): JobsPort {
  const accessTo = (name: string): Access & Pick<Capability, "needs"> =>
    capabilities.find((one) => one.name === name) ?? { name, effect: "destroys" };
  const allowed = (capability: string) => scopes === undefined || allows(scopes, accessTo(capability));
  const missingFor = ({ capability, input }: Pick<JobRequest, "capability" | "input">) =>
    missingRight(scopes, accessTo(capability), fieldsOf(input));
  const expectRights = (request: Pick<JobRequest, "capability" | "input">) => {
    const missing = missingFor(request);
    if (missing === undefined) return;
    throw new PlatformError("forbidden", "SCOPE_MISSING", messages.scopeMissing(missing.name, scopes ?? []));
  };
  const confine = async <Request extends Pick<JobRequest, "capability" | "input">>(request: Request) => {
    expectRights(request);
    const capability = capabilities.find(({ name }) => name === request.capability);
    const { input } = request;
    const given = fieldsOf(input);
    if (capability === undefined || given !== input) return request; // refused with its reason
    const filledIn = defaults[request.capability] ?? {};
    const placed = Object.entries(given).map(([field, value]): [string, unknown] => [
      field,
      isServedName(value, filledIn[field], dataFolder) ? filledIn[field] : value,
    ]);
    const asked = placed.filter(([field, value]) => value !== filledIn[field]);
    const inside = await confinePaths(capability, Object.fromEntries(asked), dataFolder);
    return {
      ...request,
      input: { ...Object.fromEntries(placed), ...inside },
      actor,
      workingFolder: dataFolder,
    };
  };
  const find = async (id: string) => {
    const job = await jobs.find(id);
    if (allowed(job.capability)) return job;
    throw new PlatformError("missing", "JOB_UNKNOWN", messages.unknownTask(id));
  };
  /** Each dead letter is asked for by itself where rights depend on the input. */
  const redriveEach = async (capability: string) => {
    const queued: string[] = [];
    for (const job of (await deadLettersOf(jobs, capability)).filter(
      (one) => missingFor(one) === undefined,
    )) {
      const again = await jobs.retry(job.id).catch(unlessBegun);
      if (again !== undefined) queued.push(again.id);
    }
    return queued;
  };
  const schedules = async () => (await jobs.schedules()).filter(({ capability }) => allowed(capability));
  return {
    submit: async (request) => jobs.submit(await confine(request)),
    find,
    list: async (filter) => (await jobs.list(filter)).filter(({ capability }) => allowed(capability)),
    countQueued: (limit) => jobs.countQueued(limit),
    cancel: async (id) => jobs.cancel((await find(id)).id),
    async retry(id) {
      const job = await find(id);
      expectRights(job);
      return jobs.retry(job.id);
    },
    async redrive(filter = {}) {
      const asked =
        filter.capability === undefined ? capabilities.map(({ name }) => name) : [filter.capability];
      const queued: string[] = [];
      for (const capability of asked.filter(allowed)) {
        const isEachAsked = scopes !== undefined && accessTo(capability).needs !== undefined;
        queued.push(...(isEachAsked ? await redriveEach(capability) : await jobs.redrive({ capability })));
      }
      return queued;
    },
    events: async (id, after) => jobs.events((await find(id)).id, after),
    async *follow(id, options) {
      yield* jobs.follow((await find(id)).id, options);
    },
    schedule: async (request) => jobs.schedule(await confine(request)),
    schedules,
    async unschedule(name) {
      const known = (await jobs.schedules()).find((one) => one.name === name);
      if (known && !allowed(known.capability))
        throw new PlatformError("missing", "SCHEDULE_UNKNOWN", messages.unknownSchedule(name));
      await jobs.unschedule(name);
    },
    workers: () => jobs.workers(),
  };
}

function fieldsOf(input: unknown): Record<string, unknown> {
  return typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {};
}

async function deadLettersOf(jobs: JobsPort, capability: string): Promise<Job[]> {
  const found: Job[] = [];
  for (let page: Job[] | undefined; page?.length !== 0; found.push(...page))
    page = await jobs.list({ capability, deadLetters: true, before: found.at(-1)?.id });
  return found;
}

/** Somebody else, or the job that it is a part of, was quicker. */
function unlessBegun(error: unknown): undefined {
  if (!(error instanceof PlatformError) || error.code !== "JOB_NOT_ENDED") throw error;
}

/** A context whose jobs are the caller's. */
export function withJobs(context: Context, jobs: () => Promise<JobsPort>): Context {
  return { ...context, platform: async () => ({ ...(await context.platform()), jobs: await jobs() }) };
}
