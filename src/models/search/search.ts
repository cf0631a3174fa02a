/** Hyper-parameter search: trials that run side by side, a strategy that names the next, and a journal that outlives the process. */
import { type Key, PlatformError, type ProgressPort, throwIfAborted } from "../../base/index.ts";
import { type JobRecord, noJournal, type SearchJournal } from "./journal.ts";
import type { Parameters, Space } from "./space.ts";
import { type Job, rankOf, requireWhole, type Strategy } from "./strategy.ts";

/** What a trial is given beside its parameters. */
export interface TrialContext {
  /** How much to spend: epochs, samples, whatever the strategy's budgets count. */
  readonly budget: number;
  /** Number of the trial. It is the same when a trial runs again with a larger budget, so that it can go on from its own checkpoint. */
  readonly trial: number;
  /** Which worker it has to itself, from 0: the caller keeps a runtime for each. */
  readonly worker: number;
  /** Tells how good it is after a part of its budget; kept in the journal. */
  readonly report: (report: { readonly budget: number; readonly score: number }) => void;
  /** Fires when the search ends before the trial does. */
  readonly signal: AbortSignal;
}

/** One run with given hyper-parameters, answered with its score. */
export type Trial = (parameters: Parameters, context: TrialContext) => Promise<number>;

export interface SearchOptions {
  readonly space: Space;
  readonly strategy: Strategy;
  readonly trial: Trial;
  /** Which score is the better one. */
  readonly better?: "lower" | "higher";
  /** Trials at a time. */
  readonly workers?: number;
  readonly key: Key;
  readonly journal?: SearchJournal;
  readonly progress?: ProgressPort;
  readonly signal?: AbortSignal;
}

export interface SearchResult {
  /** The best job among those with the largest budget that any finished; undefined when all failed. */
  readonly best: JobRecord | undefined;
  /** All jobs in the order in which they ended, those of earlier runs first. */
  readonly jobs: readonly JobRecord[];
  /** Jobs that were taken over from the journal. */
  readonly resumed: number;
}

/**
 * Searches for the hyper-parameters with the best score.
 *
 * A job that is finished is never repeated, in this process or a later one. With one worker the result depends on the key alone, and a
 * search that was killed and goes on gives the same; with several, strategies that learn from earlier trials see them in the order in which
 * they happen to end. A trial that ends with `TRAINING_DIVERGED`, or with a score that is no finite number, has failed, and the search goes on.
 *
 * @throws PlatformError `INTERRUPTED` when the signal fires; the journal is kept
 * @throws PlatformError `SEARCH_FOREIGN` or `ARTIFACT_CORRUPT` when the journal is not one of this search
 * @throws whatever else a trial throws, after the others were told to stop
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { space, strategy, better = "lower", workers = 1, key, journal = noJournal } = options;
  requireWhole("search", { workers });
  const sign = better === "lower" ? 1 : -1;
  const identity = { strategy: strategy.name, settings: { ...strategy.settings, sign }, space, key };
  const jobs = [...(await journal.open(identity))];
  const resumed = jobs.length;
  const running = new Map<Job, Promise<void>>();
  const free = Array.from({ length: workers }, (_, worker) => worker);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Records are written one after the other, whoever ends first.
  let written: Promise<void> = Promise.resolve();

  const run = async (job: Job, worker: number): Promise<void> => {
    const outcome = await runTrial(options.trial, job, worker, signal);
    written = written.then(() => journal.append(outcome));
    await written;
    running.delete(job);
    free.push(worker);
    free.sort((a, b) => a - b);
    jobs.push(outcome);
    const best = bestOf(jobs, sign);
    options.progress?.report({
      stage: "search",
      done: jobs.length,
      total: Math.max(jobs.length, strategy.settings.trials ?? 0),
      unit: "trials",
      ...(best?.score == null ? {} : { values: { best: best.score } }),
    });
  };

  try {
    for (;;) {
      throwIfAborted(options.signal, "search");
      const finished = jobs.map((job) => ({ ...job, score: job.score === null ? null : sign * job.score }));
      const next =
        free.length > 0 ? strategy.next({ space, key, finished, running: [...running.keys()] }) : "wait";
      if (next === "done") break;
      if (next === "wait") await Promise.race(running.values());
      else running.set(next, run(next, free.shift() as number));
    }
  } finally {
    stop.abort();
    await Promise.allSettled(running.values());
  }
  return { best: bestOf(jobs, sign), jobs, resumed };
}

async function runTrial(trial: Trial, job: Job, worker: number, signal: AbortSignal): Promise<JobRecord> {
  const reports: { budget: number; score: number }[] = [];
  const { budget, trial: number, parameters } = job;
  try {
    const report = (said: { readonly budget: number; readonly score: number }) =>
      void reports.push({ ...said });
    const score = await trial(parameters, { budget, trial: number, worker, report, signal });
    if (Number.isFinite(score)) return { ...job, score, reports };
    return { ...job, score: null, failure: `expected a finite score, received ${score}`, reports };
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "TRAINING_DIVERGED")) throw error;
    return { ...job, score: null, failure: error.message, reports };
  }
}

function bestOf(jobs: readonly JobRecord[], sign: number): JobRecord | undefined {
  const scored = jobs.filter(({ score }) => score !== null);
  const most = Math.max(...scored.map(({ budget }) => budget));
  const rank = (job: JobRecord) => sign * rankOf(job);
  return scored
    .filter(({ budget }) => budget === most)
    .toSorted((a, b) => rank(a) - rank(b) || a.trial - b.trial)
    .at(0);
}
