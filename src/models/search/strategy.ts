/** What every way of searching has in common: it names the next job, from what is known so far and nothing else. */
import { type Key, PlatformError } from "../../base/index.ts";
import type { Parameters, Space } from "./space.ts";

/** One run of the trial function. A strategy may run the same trial again with a larger budget. */
export interface Job {
  readonly trial: number;
  readonly parameters: Parameters;
  readonly budget: number;
}

/** A job that is done. */
export interface Finished extends Job {
  /** Lower is better; null when the trial failed, which is worse than any number. */
  readonly score: number | null;
}

/** What a strategy may know. */
export interface Known {
  readonly space: Space;
  readonly key: Key;
  /** In the order in which they ended. */
  readonly finished: readonly Finished[];
  readonly running: readonly Job[];
}

/**
 * A way of searching. `next` is a function of what is known: a search that was killed goes on from its journal, and with one worker
 * does what it would have done.
 */
export interface Strategy {
  readonly name: string;
  /** Everything that decides what it does; kept in the journal, so that no other search goes on from it. */
  readonly settings: Readonly<Record<string, number>>;
  /** The next job, "wait" when that depends on jobs that still run, or "done". */
  readonly next: (known: Known) => Job | "wait" | "done";
}

/** A failed trial is worse than any other. */
export function rankOf({ score }: Finished): number {
  return score ?? Number.POSITIVE_INFINITY;
}

/** Number of trials that were ever begun; they are counted from 0. */
export function trialsBegun({ finished, running }: Known): number {
  return new Set([...finished, ...running].map(({ trial }) => trial)).size;
}

export function requireWhole(where: string, values: Readonly<Record<string, number>>, least = 1): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `${where}: expected ${name} of ${least} or more, a whole number, received ${value}`,
    );
  }
}
