/**
 * A worker: takes jobs, has them run, and supervises them. The work itself happens in an executor, which is a process of its
 * own for real work, so that the supervisor always has time to renew the leases.
 */
import type { Clock, Job, JobFailure, JobOutcome, JobRequest, Logger, Progress } from "../../base/index.ts";
import { beat, claim, type Entry, type Settlement, settle, trimEvents } from "./attempts.ts";
import type { Jobs } from "./jobs.ts";
import { messages } from "./messages.ts";
import { keepPresence, type WorkerIdentity } from "./presence.ts";
import { thinned } from "./progress.ts";
import { cancelled } from "./queries.ts";
import { runSchedules } from "./schedules.ts";
import { afterFailure, forgetDead, forgetOld, takeBackLost } from "./upkeep.ts";

/** How the work of an attempt ended. */
export type Outcome =
  | { readonly kind: "done" /** JSON text. */; readonly output: string }
  | { readonly kind: "failed"; readonly failure: JobFailure }
  /** The process that ran it is gone; `how` completes "ended ...". */
  | { readonly kind: "crashed"; readonly how: string };

/** What the work of an attempt may ask of its supervisor. */
export interface Supervision {
  /** Fires when the work has to end; what it has saved by then is kept. */
  readonly signal: AbortSignal;
  readonly report: (progress: Progress) => void;
  readonly log: (level: "info" | "warn", message: string, values?: Readonly<Record<string, unknown>>) => void;
  readonly runParts: (requests: readonly JobRequest[]) => Promise<JobOutcome[]>;
}

/** Runs one attempt at a time for each call; never throws for what the work does. */
export interface Executor {
  run(job: Job, supervision: Supervision): Promise<Outcome>;
  /** The lease of an attempt was renewed. */
  renewed?(id: string): void;
  /** Ends an attempt where it stands. */
  kill?(id: string): void;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly jobs: Jobs;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What its jobs call it. */
  readonly name: string;
  /** What others see of it. */
  readonly identity: WorkerIdentity;
  /** Jobs at a time; one that waits for its parts does not count. */
  readonly concurrency?: number;
  /** Without a renewal for so long, a job is taken back. */
  readonly leaseMs?: number;
  /** How long work may take to end when it is told to. */
  readonly graceMs?: number;
  /** Jobs that have ended are forgotten after so many days. */
  readonly keepDays?: number;
}

export interface Worker {
  readonly name: string;
  /** Takes nothing new, lets what runs save itself, and puts it back into the queue without counting the attempt. */
  stop(): Promise<void>;
  /** Attempts that it runs now. */
  running(): number;
}

type StopReason = "cancelled" | "timedOut" | "drained" | "lost";

interface Attempt {
  readonly job: Job;
  readonly controller: AbortController;
  reason: StopReason | undefined;
  entries: Entry[];
  progress: Progress | null;
  written: number;
  waits: boolean;
  nextPlace: number;
  ended: Promise<void>;
}

const pollMs = { least: 50, most: 1_000 };

export function startWorker(options: WorkerOptions): Worker {
  const { jobs, executor, clock, logger, name } = options;
  const { concurrency = 1, leaseMs = 15_000, graceMs = 30_000, keepDays = 30 } = options;
  const { db } = jobs.state;
  const attempts = new Set<Attempt>();
  const stopping = new AbortController();
  const outcomes: { attempt: Attempt; settlement: Settlement }[] = [];
  let settling: Promise<void> | undefined;
  let beating: Promise<void> | undefined;
  /** By the clock that never goes back: until when every lease of this worker is known to hold. */
  let leasedUntilMs = Number.POSITIVE_INFINITY;

  const stopAttempt = (attempt: Attempt, reason: StopReason) => {
    attempt.reason ??= reason;
    if (reason === "lost") attempt.reason = "lost";
    attempt.controller.abort();
    if (reason === "lost") executor.kill?.(attempt.job.id);
    else setTimeout(() => attempts.has(attempt) && executor.kill?.(attempt.job.id), graceMs).unref();
  };

  /** Says what goes wrong and carries on: whatever it was, the leases bound what can come of it. */
  const attemptTo = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      logger.warn(`${what}: ${error instanceof Error ? error.message : String(error)}`, { worker: name });
      return false;
    }
  };

  // What ended is written in batches: while one is on its way, the next gathers.
  const flush = (): Promise<void> => {
    settling ??= writeOutcomes().finally(() => {
      settling = undefined;
      if (outcomes.length > 0) void flush();
    });
    return settling;
  };

  const writeOutcomes = async (): Promise<void> => {
    while (outcomes.length > 0) {
      const batch = outcomes.slice(0, 500);
      const settlements = batch.map(({ settlement }) => settlement);
      let settled: Set<string> | undefined;
      await attemptTo("settle", async () => {
        settled = await settle(db, jobs.queue, settlements);
      });
      // While the leases hold it is tried again. After that others may have taken over, and the result is worth nothing.
      const isGivenUp = settled === undefined && clock.elapsed() > leasedUntilMs;
      if (settled === undefined && !isGivenUp) {
        await pauseFor(500);
        continue;
      }
      outcomes.splice(0, batch.length);
      for (const { attempt, settlement } of batch) {
        attempts.delete(attempt);
        const { id, status } = settlement;
        if (!settled?.has(id)) logger.warn(messages.refused, { job: id, attempt: settlement.attempt });
        else if (attempt.nextPlace > 0 && ["failed", "cancelled"].includes(status))
          await attemptTo("cancel parts", () => jobs.port.cancel(id));
      }
      jobs.changes.tell();
    }
  };

  const settlementOf = ({ job, reason }: Attempt, outcome: Outcome): Settlement => {
    const base = { id: job.id, attempt: job.attempt };
    const requeued = (failure: JobFailure): Settlement => ({
      ...base,
      status: "queued",
      isCharged: false,
      entries: [{ type: "retrying", data: failure }],
    });
    const failed = (failure: JobFailure, status: "failed" | "cancelled"): Settlement => ({
      ...base,
      status,
      failure,
      isCharged: status === "failed",
      entries: [{ type: "failed", data: failure }],
    });
    if (outcome.kind === "done")
      return {
        ...base,
        status: "done",
        output: outcome.output,
        isCharged: false,
        entries: [{ type: "done", data: {} }],
      };
    if (reason === "cancelled") return failed(cancelled(job.id), "cancelled");
    if (reason === "drained")
      return requeued({ kind: "interrupted", code: "INTERRUPTED", message: messages.drained, details: {} });
    if (reason === "timedOut")
      return afterFailure(job, unavailable("JOB_TIMEOUT", messages.timedOut(job.timeoutSeconds ?? 0)));
    if (outcome.kind === "crashed")
      return afterFailure(job, unavailable("JOB_CRASHED", messages.crashed(outcome.how)));
    // What is wrong with the request stays wrong; what was not available may be there the next time.
    return outcome.failure.kind === "unavailable"
      ? afterFailure(job, outcome.failure)
      : failed(outcome.failure, "failed");
  };

  const supervise = async (attempt: Attempt): Promise<void> => {
    const { job, controller } = attempt;
    const timer =
      job.timeoutSeconds === null
        ? undefined
        : setTimeout(() => stopAttempt(attempt, "timedOut"), job.timeoutSeconds * 1000);
    const keep = thinned(
      (progress) => attempt.entries.push({ type: "progress", data: progress }),
      clock.elapsed,
    );
    const report = (progress: Progress) => {
      attempt.progress = progress;
      keep(progress);
    };
    const outcome = await executor.run(job, {
      signal: controller.signal,
      report,
      log: (level, message, values) =>
        attempt.entries.push({ type: "log", data: { level, message, ...(values && { values }) } }),
      runParts: (requests) => runParts(attempt, requests, report),
    });
    clearTimeout(timer);
    if (attempt.reason === "lost") {
      attempts.delete(attempt); // another one has it, and nothing is written
      return;
    }
    await beating; // so that its last events are written once, and in order
    const settlement = settlementOf(attempt, outcome);
    const { entries, progress } = attempt;
    attempt.entries = [];
    outcomes.push({
      attempt,
      settlement: { ...settlement, progress, entries: [...entries, ...settlement.entries] },
    });
    void flush();
  };

  const runParts = async (
    attempt: Attempt,
    requests: readonly JobRequest[],
    report: (progress: Progress) => void,
  ): Promise<JobOutcome[]> => {
    const first = attempt.nextPlace;
    attempt.nextPlace += requests.length;
    attempt.waits = true;
    let seen = -1;
    try {
      const { id } = attempt.job;
      await jobs.submitParts(id, first, requests);
      for (let pause = pollMs.least; ; pause = Math.min(pollMs.most, 1.5 * pause)) {
        let parts: readonly Job[] = [];
        await attemptTo("look at parts", async () => {
          parts = (await jobs.parts(id)).slice(first, first + requests.length);
        });
        const ended = parts.filter(({ endedAt }) => endedAt !== null).length;
        if (ended !== seen) report({ stage: "parts", done: ended, total: requests.length, unit: "jobs" });
        seen = ended;
        if (parts.length === requests.length && ended === parts.length) {
          // Parts that were cancelled with this job may have ended before it hears of that itself.
          if ((await jobs.port.find(id)).cancelRequested) stopAttempt(attempt, "cancelled");
          attempt.controller.signal.throwIfAborted();
          return parts.map(({ id, status, output, failure }) => ({ id, status, output, failure }));
        }
        await jobs.changes.wait(pause, attempt.controller.signal);
        attempt.controller.signal.throwIfAborted();
      }
    } finally {
      attempt.waits = false;
    }
  };

  const take = async (): Promise<void> => {
    let pause = pollMs.least;
    while (!stopping.signal.aborted) {
      const free = concurrency - [...attempts].filter(({ waits }) => !waits).length;
      let taken: Job[] = [];
      if (free > 0) {
        const startedMs = clock.elapsed();
        await attemptTo("take jobs", async () => {
          taken = await claim(db, jobs.queue, { worker: name, count: free, leaseMs });
          if (attempts.size === 0 && taken.length > 0) leasedUntilMs = startedMs + leaseMs;
        });
      }
      for (const job of taken) {
        const attempt: Attempt = {
          job,
          controller: new AbortController(),
          reason: undefined,
          entries: [],
          progress: null,
          written: 0,
          waits: false,
          nextPlace: 0,
          ended: Promise.resolve(),
        };
        attempts.add(attempt);
        attempt.ended = supervise(attempt);
      }
      if (taken.length > 0) jobs.changes.tell();
      pause = taken.length > 0 ? pollMs.least : Math.min(pollMs.most, 1.5 * pause);
      if (taken.length === 0 || free <= taken.length) await jobs.changes.wait(pause, stopping.signal);
    }
  };

  const renew = async (): Promise<void> => {
    const going = [...attempts].filter(({ reason }) => reason !== "lost");
    if (going.length === 0) return;
    const startedMs = clock.elapsed();
    const beats = going.map(({ job, entries, progress }) => ({
      id: job.id,
      attempt: job.attempt,
      entries: [...entries],
      progress,
    }));
    const renewed = await beat(db, beats, leaseMs);
    leasedUntilMs = startedMs + leaseMs;
    for (const [i, attempt] of going.entries()) {
      const { job } = attempt;
      const alive = renewed.find(({ id, attempt: token }) => id === job.id && token === job.attempt);
      if (alive) {
        const count = beats[i].entries.length;
        attempt.entries = attempt.entries.slice(count);
        attempt.written += count;
        executor.renewed?.(job.id);
        if (alive.cancelRequested && attempt.reason === undefined) stopAttempt(attempt, "cancelled");
        if (attempt.written > 500) {
          attempt.written = 0;
          await trimEvents(db, job.id);
        }
      } else if (!outcomes.some((one) => one.attempt === attempt)) {
        if (attempts.has(attempt)) stopAttempt(attempt, "lost");
      }
    }
    if (beats.some(({ entries }) => entries.length > 0)) jobs.changes.tell();
  };

  let lastBeatMs = Number.NEGATIVE_INFINITY;
  let lastUpkeepMs = Number.NEGATIVE_INFINITY;
  let lastForgetMs = Number.NEGATIVE_INFINITY;
  const beatEveryMs = Math.min(1_000, leaseMs / 4);
  const upkeepEveryMs = Math.min(1_000, leaseMs / 2);
  const tick = async (): Promise<void> => {
    const now = clock.elapsed();
    const hasNews = [...attempts].some(({ entries }) => entries.length > 0);
    if (hasNews || now - lastBeatMs >= beatEveryMs) {
      lastBeatMs = now;
      beating = attemptTo("renew leases", renew).then(() => {});
      await beating;
      beating = undefined;
    }
    // A lease that can no longer be known to hold is given up before anybody else may take the job.
    if (clock.elapsed() > leasedUntilMs - leaseMs / 5)
      for (const attempt of attempts) if (attempt.reason !== "lost") stopAttempt(attempt, "lost");
    if (stopping.signal.aborted || now - lastUpkeepMs < upkeepEveryMs) return;
    lastUpkeepMs = now;
    await attemptTo("upkeep", async () => {
      const changed = (await takeBackLost(db, jobs.queue)) + (await runSchedules(db, jobs.queue));
      if (changed > 0) jobs.changes.tell();
      if (now - lastForgetMs < 600_000) return;
      lastForgetMs = now;
      await jobs.mend();
      await forgetOld(db, keepDays);
      await forgetDead(db);
    });
  };
  const tickMs = Math.min(200, leaseMs / 8);
  let isOver = false;
  const ticking = (async () => {
    while (!isOver) {
      await tick();
      await pauseFor(tickMs);
    }
  })();
  const taking = take();
  const presence = keepPresence({
    db,
    identity: options.identity,
    concurrency,
    running: () => attempts.size,
    leaseMs,
    clock,
    logger,
  });

  return {
    name,
    running: () => attempts.size,
    async stop() {
      stopping.abort();
      await taking;
      for (const attempt of attempts) stopAttempt(attempt, "drained");
      await Promise.all([...attempts].map(({ ended }) => ended));
      while (outcomes.length > 0) await flush();
      isOver = true;
      await ticking;
      await Promise.all([executor.close(), presence.leave()]);
    },
  };
}

function unavailable(code: string, message: string): JobFailure {
  return { kind: "unavailable", code, message, details: {} };
}

const pauseFor = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
