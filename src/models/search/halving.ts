/** Many trials with a small budget, and the budget of the others for the best of them. */
import { foldIn, PlatformError } from "../../base/index.ts";
import { samplePoint } from "./space.ts";
import {
  type Finished,
  type Job,
  type Known,
  rankOf,
  requireWhole,
  type Strategy,
  trialsBegun,
} from "./strategy.ts";

export interface HalvingOptions {
  /** Trials that begin, with the smallest budget. */
  readonly trials: number;
  readonly minBudget: number;
  readonly maxBudget: number;
  /** One trial in so many goes on, with so many times the budget. */
  readonly reduction?: number;
}

/**
 * Successive halving (Jamieson and Talwalkar 2016): all trials run with the smallest budget; the best share `1 / reduction` of them runs
 * again with `reduction` times as much, and so on to the largest. A rung begins when the one before has ended.
 */
export function successiveHalving(options: HalvingOptions): Strategy {
  const { trials, budgets, reduction, settings } = checked("successive halving", options);
  return {
    name: "successive-halving",
    settings,
    next: (known) => {
      const begun = trialsBegun(known);
      if (begun < trials) return newTrial(known, budgets[0]);
      let size = trials;
      for (const [rung, budget] of budgets.entries()) {
        const here = onRung(known.finished, budget);
        if (here.length < size) return known.running.length > 0 ? "wait" : "done";
        const next = budgets[rung + 1];
        if (next === undefined) return "done";
        const chosen = best(here, Math.floor(size / reduction));
        size = chosen.length; // fewer than a share where trials failed
        const job = promote(chosen, known, next);
        if (job) return job;
      }
      return "done";
    },
  };
}

/**
 * Asynchronous successive halving, ASHA (Li et al. 2020, "A system for massively parallel hyperparameter tuning"): a trial goes on as soon
 * as it is among the best share `1 / reduction` of those that have ended on its rung so far, so that no worker waits for a rung to fill.
 */
export function asha(options: HalvingOptions): Strategy {
  const { trials, budgets, reduction, settings } = checked("asha", options);
  return {
    name: "asha",
    settings,
    next: (known) => {
      // From the top: what is nearest to the largest budget goes first.
      for (let rung = budgets.length - 2; rung >= 0; rung--) {
        const here = onRung(known.finished, budgets[rung]);
        const job = promote(best(here, Math.floor(here.length / reduction)), known, budgets[rung + 1]);
        if (job) return job;
      }
      if (trialsBegun(known) < trials) return newTrial(known, budgets[0]);
      return known.running.length > 0 ? "wait" : "done";
    },
  };
}

function newTrial(known: Known, budget: number): Job {
  const trial = trialsBegun(known);
  return { trial, parameters: samplePoint(known.space, foldIn(known.key, trial)), budget };
}

function onRung(finished: readonly Finished[], budget: number): Finished[] {
  return finished.filter((job) => job.budget === budget);
}

/** The best `count`, the earlier trial first among equals. Failed ones never go on. */
function best(finished: readonly Finished[], count: number): Finished[] {
  return finished
    .toSorted((a, b) => rankOf(a) - rankOf(b) || a.trial - b.trial)
    .slice(0, count)
    .filter(({ score }) => score !== null);
}

/** The first of some trials that has not begun with the next budget. */
function promote(candidates: readonly Finished[], { finished, running }: Known, budget: number): Job | null {
  const begun = new Set(
    [...finished, ...running].filter((job) => job.budget === budget).map(({ trial }) => trial),
  );
  const found = candidates.find(({ trial }) => !begun.has(trial));
  return found ? { trial: found.trial, parameters: found.parameters, budget } : null;
}

function checked(where: string, { trials, minBudget, maxBudget, reduction = 3 }: HalvingOptions) {
  requireWhole(where, { trials });
  requireWhole(where, { reduction }, 2);
  if (!(minBudget > 0 && minBudget <= maxBudget && Number.isFinite(maxBudget))) {
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `${where}: expected 0 < minBudget <= maxBudget, received ${minBudget} and ${maxBudget}`,
    );
  }
  const budgets = [minBudget];
  while (budgets[budgets.length - 1] * reduction <= maxBudget * (1 + 1e-9))
    budgets.push(budgets[budgets.length - 1] * reduction);
  return { trials, budgets, reduction, settings: { trials, minBudget, maxBudget, reduction } };
}
