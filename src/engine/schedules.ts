/** Learning rates over the course of training: a function from the step (0 first) to the rate. */
import { PlatformError } from "../base/index.ts";

export type Schedule = (step: number) => number;

/**
 * The same rate in every step.
 *
 * @example
 * constantRate(0.01)(500); // => 0.01
 */
export function constantRate(rate: number): Schedule {
  positive("rate", rate);
  return () => rate;
}

/**
 * Rises in a straight line for `warmUpSteps`, then falls along half a cosine to `finalRate` at `steps` (Loshchilov and Hutter 2017).
 *
 * @example
 * const schedule = cosineRate({ rate: 1, steps: 100, warmUpSteps: 10 });
 * schedule(4); // => 0.5
 * schedule(55); // => 0.5
 * schedule(100); // => 0
 */
export function cosineRate(options: {
  readonly rate: number;
  readonly steps: number;
  readonly warmUpSteps?: number;
  readonly finalRate?: number;
}): Schedule {
  const { rate, steps, warmUpSteps = 0, finalRate = 0 } = options;
  positive("rate", rate);
  positive("steps", steps);
  notNegative("warmUpSteps", warmUpSteps);
  notNegative("finalRate", finalRate);
  return (step) => {
    if (step < warmUpSteps) return (rate * (step + 1)) / warmUpSteps;
    const share = Math.min(1, (step - warmUpSteps) / Math.max(1, steps - warmUpSteps));
    return finalRate + (rate - finalRate) * 0.5 * (1 + Math.cos(Math.PI * share));
  };
}

/**
 * Multiplies the rate by `factor` after every `every` steps.
 *
 * @example
 * stepRate({ rate: 1, every: 10, factor: 0.5 })(25); // => 0.25
 */
export function stepRate({
  rate,
  every,
  factor,
}: {
  readonly rate: number;
  readonly every: number;
  readonly factor: number;
}): Schedule {
  positive("rate", rate);
  positive("every", every);
  positive("factor", factor);
  return (step) => rate * factor ** Math.floor(step / every);
}

/**
 * One cycle (Smith and Topin 2018, "Super-convergence"), in the phases of PyTorch's `OneCycleLR`: from `rate / divide` up to `rate`
 * during the share `rise` of the steps, then down to `rate / divide / divideFinal` at the last step. With three phases the way down
 * first mirrors the rise, and only then goes on to the final rate.
 *
 * @example
 * const schedule = oneCycleRate({ rate: 1, steps: 10 });
 * schedule(0); // => 0.04
 * schedule(1); // => 0.52
 * schedule(2); // => 1
 * schedule(9); // => 0.000004
 */
export function oneCycleRate(options: {
  readonly rate: number;
  readonly steps: number;
  readonly rise?: number;
  readonly divide?: number;
  readonly divideFinal?: number;
  readonly phases?: 2 | 3;
  readonly shape?: "cosine" | "linear";
}): Schedule {
  const { rate, steps, rise = 0.3, divide = 25, divideFinal = 1e4, phases = 2, shape = "cosine" } = options;
  positive("rate", rate);
  positive("steps", steps);
  positive("divide", divide);
  positive("divideFinal", divideFinal);
  const most = phases === 2 ? 1 : 0.5; // the third phase needs the steps that are left
  if (!(rise > 0 && rise < most)) throw invalid(`rise inside (0, ${most})`, rise);
  const first = rate / divide;
  const last = first / divideFinal;
  const middle = phases === 2 ? [] : [{ end: 2 * rise * steps - 2, rate: first }];
  const corners = [{ end: rise * steps - 1, rate }, ...middle, { end: steps - 1, rate: last }];
  return (step) => {
    let [start, from] = [0, first];
    for (const { end, rate: to } of corners) {
      if (step <= end) {
        const share = end === start ? 1 : (step - start) / (end - start);
        const kept = shape === "linear" ? 1 - share : 0.5 * (1 + Math.cos(Math.PI * share));
        return to + (from - to) * kept;
      }
      [start, from] = [end, to];
    }
    return last;
  };
}

/**
 * What a schedule's rate is multiplied by, from the score after each epoch so far, lower being better. A function of the whole history:
 * there is nothing to store, and a resumed training reduces where an uninterrupted one does.
 */
export type Plateau = (scores: readonly number[]) => number;

/**
 * Multiplies the rate by `factor` when the score has not become better for more than `patience` epochs, as PyTorch's
 * `ReduceLROnPlateau` does: better is lower by more than the share `threshold` of the best, and for `cooldown` epochs after a reduction
 * bad epochs do not count.
 *
 * @example
 * const plateau = reduceOnPlateau({ factor: 0.5, patience: 1 });
 * plateau([1, 0.9, 0.9]); // => 1
 * plateau([1, 0.9, 0.9, 0.9]); // => 0.5
 */
export function reduceOnPlateau(
  options: {
    readonly factor?: number;
    readonly patience?: number;
    readonly threshold?: number;
    readonly cooldown?: number;
    /** Smallest product of all reductions. */
    readonly least?: number;
  } = {},
): Plateau {
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, least = 0 } = options;
  if (!(factor > 0 && factor < 1)) throw invalid("factor inside (0, 1)", factor);
  for (const [name, value] of Object.entries({ patience, threshold, cooldown, least }))
    notNegative(name, value);
  return (scores) => {
    let [best, bad, cooling, product] = [Number.POSITIVE_INFINITY, 0, 0, 1];
    for (const score of scores) {
      const better = best === Number.POSITIVE_INFINITY || score < best - Math.abs(best) * threshold;
      if (better) best = score;
      bad = better || cooling > 0 ? 0 : bad + 1;
      cooling = Math.max(0, cooling - 1);
      if (bad <= patience) continue;
      product = Math.max(least, product * factor);
      [bad, cooling] = [0, cooldown];
    }
    return product;
  };
}

function positive(what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw invalid(`${what} > 0`, value);
}

function notNegative(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) throw invalid(`${what} >= 0`, value);
}

function invalid(expected: string, value: number): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `learning rate schedule: expected ${expected}, received ${value}`,
  );
}
