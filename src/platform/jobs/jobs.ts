/** The jobs port on a state, and what workers of this process need of it. */
import { sql } from "drizzle-orm";
import {
  type Job,
  type JobEvent,
  type JobRequest,
  type JobsPort,
  ownerActor,
  PlatformError,
  type ScheduleRequest,
} from "../../base/index.ts";
import type { State } from "../state/index.ts";
import { openQueue, type Queue, queueSchema } from "./boss.ts";
import { type Changes, changes } from "./changes.ts";
import { messages } from "./messages.ts";
import { listWorkers } from "./presence.ts";
import { cancelJob, countQueued, eventsOf, findJob, listJobs, partsOf, requeueEnded } from "./queries.ts";
import { listSchedules, putSchedule, removeSchedule } from "./schedules.ts";
import { submitAll } from "./submit.ts";
import { mendQueue } from "./upkeep.ts";

/**
 * The input of a capability, checked and with its defaults filled in.
 *
 * @throws PlatformError `JOB_CAPABILITY_UNKNOWN` or `INPUT_INVALID`
 */
export type CheckInput = (capability: string, input: unknown) => unknown;

export interface Jobs {
  readonly port: JobsPort;
  readonly state: State;
  readonly queue: Queue;
  readonly changes: Changes;
  /** Accepts parts of a job. Asked again, it gives those that are there. */
  submitParts(parent: string, firstPlace: number, requests: readonly JobRequest[]): Promise<Job[]>;
  parts(parent: string): Promise<Job[]>;
  mend(): Promise<number>;
}

/** Others may change what is looked at, so it is looked at so often, and less often the longer nothing happens. */
const lookMs = { least: 100, most: 1_000 };

export async function openJobs(state: State, checkInput: CheckInput): Promise<Jobs> {
  const { db } = state;
  const queue = await openQueue(state);
  const changed = changes();
  /** Does something, and lets everybody who waits look again. */
  const telling = async <Result>(work: Promise<Result>): Promise<Result> => {
    const result = await work;
    changed.tell();
    return result;
  };
  const checked = <Request extends JobRequest | ScheduleRequest>(request: Request) => ({
    ...request,
    actor: request.actor ?? ownerActor,
    input: checkInput(request.capability, request.input),
  });

  const port: JobsPort = {
    submit: async (request) => (await telling(submitAll(db, queue, [checked(request)])))[0],
    find: (id) => findJob(db, id),
    list: (filter) => listJobs(db, filter),
    countQueued: (limit) => countQueued(db, limit),
    cancel: (id) => telling(cancelJob(db, queue, id)),
    async retry(id) {
      const job = await findJob(db, id);
      const queued = await telling(requeueEnded(db, queue, sql`id = ${job.id}`));
      if (queued.length > 0) return findJob(db, id);
      throw new PlatformError("conflict", "JOB_NOT_ENDED", messages.notEnded(id, job.status));
    },
    redrive: ({ capability } = {}) => {
      const which = capability === undefined ? sql`true` : sql`capability = ${capability}`;
      return telling(requeueEnded(db, queue, sql`is_dead_letter and ${which}`));
    },
    events: async (id, after = 0) => eventsOf(db, await findJob(db, id), after),
    async *follow(id, { after = 0, signal }): AsyncGenerator<JobEvent> {
      let last = after;
      for (let pause = lookMs.least; !signal.aborted; pause = Math.min(lookMs.most, 1.5 * pause)) {
        const job = await findJob(db, id); // before its events, so that the last one is not missed
        const fresh = await eventsOf(db, job, last);
        for (const event of fresh) {
          last = event.sequence;
          yield event;
        }
        if (fresh.length === 0 && job.endedAt !== null) return;
        if (fresh.length > 0) pause = lookMs.least;
        else await changed.wait(pause, signal);
      }
    },
    schedule: (request) => {
      const { name, cron, timeZone = "UTC", workingFolder = null, ...rest } = checked(request);
      return putSchedule(db, { name, cron, timeZone, workingFolder, ...rest });
    },
    schedules: () => listSchedules(db),
    unschedule: (name) => removeSchedule(db, name),
    workers: () => listWorkers(db),
  };
  return {
    port,
    state,
    queue,
    changes: changed,
    async submitParts(parent, firstPlace, requests) {
      const { workingFolder } = await findJob(db, parent);
      const parts = requests.map((request, i) => ({
        ...checked(request),
        ...(workingFolder === null ? {} : { workingFolder }),
        actor: `job:${parent}`,
        idempotencyKey: String(firstPlace + i),
        parent,
        place: firstPlace + i,
      }));
      return (await telling(submitAll(db, queue, parts))).map(({ job }) => job);
    },
    parts: (parent) => partsOf(db, parent),
    mend: () => mendQueue(db, queue, `${queueSchema}.job`),
  };
}
