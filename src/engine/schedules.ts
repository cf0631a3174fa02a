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
