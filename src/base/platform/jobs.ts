/**
 * Jobs: capabilities that run later, elsewhere, and again when a machine dies. What is promised: a job that was accepted is
 * kept until it has ended, and ends with success at most once.
 */

import type { ErrorKind } from "../error-table.ts";
import type { ErrorDetails } from "../errors.ts";
import type { Progress } from "../ports.ts";
import type { UtcMs } from "../time.ts";

export const jobStatuses = ["queued", "running", "done", "failed", "cancelled"] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Why a job, or one attempt of it, failed; `bug` is a mistake of ours. */
export interface JobFailure {
  readonly kind: ErrorKind | "bug";
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What is asked for. Everything but the capability and its input has a default. */
export interface JobRequest {
  readonly capability: string;
  /** Held to the capability's schema before anything is stored. */
  readonly input: unknown;
  /** Who asks; keys of idempotency are each actor's own. */
  readonly actor?: string | undefined;
  /** Where relative paths of the input start. */
  readonly workingFolder?: string | undefined;
  /** The same key with the same capability and input gives the same job; with others it is refused. */
  readonly idempotencyKey?: string | undefined;
  /** Higher is taken first; 0 by default. */
  readonly priority?: number | undefined;
  /** How often it may be tried when something that may pass went wrong: 3 by default. */
  readonly attempts?: number | undefined;
  /** Mean wait before the second attempt; it doubles with each further one. 5 s by default. */
  readonly retryDelaySeconds?: number | undefined;
  /** How long one attempt may take; no limit by default. */
  readonly timeoutSeconds?: number | undefined;
  /** Not to be taken before so many seconds have passed. */
  readonly delaySeconds?: number | undefined;
}

export interface Job {
  readonly id: string;
  readonly capability: string;
  readonly input: unknown;
  readonly status: JobStatus;
  readonly actor: string;
  readonly priority: number;
  /** Counts how often the job was taken by a worker; it is the fencing token of the one that has it now. */
  readonly attempt: number;
  /** Attempts that ended in failure, a crash, a time-out or a lost lease. */
  readonly failures: number;
  /** So many failures end it. */
  readonly attempts: number;
  /** Ended because its attempts were used up by causes that may have passed, and not tried again since. */
  readonly isDeadLetter: boolean;
  readonly timeoutSeconds: number | null;
  readonly idempotencyKey: string | null;
  /** The job that this is a part of, and its place there. */
  readonly parent: string | null;
  readonly place: number | null;
  /** The worker that has it, or had it last. */
  readonly worker: string | null;
  readonly workingFolder: string | null;
  readonly cancelRequested: boolean;
  readonly progress: Progress | null;
  readonly output: unknown;
  readonly failure: JobFailure | null;
  readonly createdAt: UtcMs;
  /** When it may be taken. */
  readonly runAfter: UtcMs;
  readonly startedAt: UtcMs | null;
  readonly endedAt: UtcMs | null;
}

export const jobEventTypes = ["queued", "started", "progress", "log", "retrying", "done", "failed"] as const;

/** Something that happened to a job. `failed` is also the end of one that was cancelled. */
export interface JobEvent {
  /** Counts from 1 within the job; progress that is long past is forgotten, so that numbers may be missing. */
  readonly sequence: number;
  readonly time: UtcMs;
  readonly type: (typeof jobEventTypes)[number];
  readonly data: unknown;
}

/** A part of a job, as its parent sees it at the end. */
export type JobOutcome = Pick<Job, "id" | "status" | "output" | "failure">;

/** What a capability that runs as a job knows of it: how it hands parts of its work to other workers. */
export interface JobHandle {
  readonly id: string;
  /**
   * Runs jobs as parts of this one and waits for all of them; meanwhile it takes no worker's place. When this job is tried
   * again, parts that were asked for before are found and not repeated.
   *
   * @returns the outcomes in the order of the requests; a part that failed is an outcome, not an error
   * @throws PlatformError `INTERRUPTED` when this job is stopped
   */
  runParts(requests: readonly Pick<JobRequest, "capability" | "input" | "attempts">[]): Promise<JobOutcome[]>;
}

export interface JobFilter {
  readonly status?: JobStatus | undefined;
  readonly capability?: string | undefined;
  readonly parent?: string | undefined;
  readonly deadLetters?: boolean | undefined;
  /** At most so many, newest first; 100 by default. */
  readonly limit?: number | undefined;
  /** Only those before this one, to read on. */
  readonly before?: string | undefined;
}

/** A job that begins again and again. */
export interface JobSchedule {
  readonly name: string;
  readonly capability: string;
  readonly input: unknown;
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  readonly cron: string;
  /** A name of the IANA time zone database, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly actor: string;
  readonly workingFolder: string | null;
  readonly nextAt: UtcMs;
  readonly lastJob: string | null;
}

export type ScheduleRequest = Pick<JobRequest, "capability" | "input" | "actor" | "workingFolder"> &
  Pick<JobSchedule, "name" | "cron"> & { readonly timeZone?: string | undefined };

/** A worker: a process, or a part of one, that takes jobs. Times are those of the database. */
export interface WorkerInfo {
  readonly id: string;
  readonly host: string;
  /** Its process there; `host/pid` is what a job calls its worker. */
  readonly pid: number;
  /** Such as `fathom worker`. */
  readonly what: string;
  /** Of Fathom. */
  readonly version: string;
  /** How many jobs it takes at a time. */
  readonly concurrency: number;
  /** How many it has now; those that wait for their parts are among them, and take no place. */
  readonly running: number;
  readonly startedAt: UtcMs;
  readonly seenAt: UtcMs;
  /** Whether it was seen within its lease. One that stops in order is no longer listed; one that was killed is, for a while. */
  readonly alive: boolean;
}

export interface JobsPort {
  /**
   * Accepts a job; when this returns it is stored.
   *
   * @returns the job, and whether it is new: a known key gives the job that is there
   * @throws PlatformError `JOB_CAPABILITY_UNKNOWN`, `INPUT_INVALID`, or `JOB_KEY_CONFLICT` for a key that was used for something else
   */
  submit(request: JobRequest): Promise<{ readonly job: Job; readonly isNew: boolean }>;
  /** @throws PlatformError `JOB_UNKNOWN` */
  find(id: string): Promise<Job>;
  list(filter?: JobFilter): Promise<Job[]>;
  /** How many wait to be taken; counting ends at `limit`. */
  countQueued(limit: number): Promise<number>;
  /** Asks a job and all of its parts to stop. One that has ended stays as it is. @throws PlatformError `JOB_UNKNOWN` */
  cancel(id: string): Promise<Job>;
  /**
   * Queues a job that failed or was cancelled anew, with all of its attempts.
   *
   * @throws PlatformError `JOB_UNKNOWN`, or `JOB_NOT_ENDED` for one that is done, waits or runs
   */
  retry(id: string): Promise<Job>;
  /** Queues dead letters anew. @returns their ids */
  redrive(filter?: { readonly capability?: string | undefined }): Promise<string[]>;
  /** What happened to a job after the event with number `after`. @throws PlatformError `JOB_UNKNOWN` */
  events(id: string, after?: number): Promise<JobEvent[]>;
  /** The same, and what happens from now on, until the job has ended or the signal fires. */
  follow(
    id: string,
    options: { readonly after?: number | undefined; readonly signal: AbortSignal },
  ): AsyncIterable<JobEvent>;
  /** Sets a schedule, in the place of one with the same name. @throws PlatformError `INPUT_INVALID` naming what is wrong in `cron` or `timeZone` */
  schedule(request: ScheduleRequest): Promise<JobSchedule>;
  schedules(): Promise<JobSchedule[]>;
  /** @throws PlatformError `SCHEDULE_UNKNOWN` */
  unschedule(name: string): Promise<void>;
  /** Who takes jobs, whichever process of whichever machine it is; newest first. */
  workers(): Promise<readonly WorkerInfo[]>;
}
