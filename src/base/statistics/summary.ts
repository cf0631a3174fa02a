import { PlatformError } from "../errors.ts";

/** Any array of numbers: a plain one or a typed one. NaN in, NaN out; nothing is skipped. */
export type Values = ArrayLike<number>;

/**
 * The arithmetic mean.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `values` is empty
 * @example
 * mean([1, 2, 6]); // => 3
 */
export function mean(values: Values): number {
  requireCount("mean", values, 1);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * The variance around the mean, by two passes over the values.
 *
 * @param correction the divisor is `n - correction`: 1 estimates the variance of a population from a sample of it, 0 is the
 *   variance of the values themselves
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when there are not more values than `correction`
 * @example
 * variance([2, 4, 4, 4, 5, 5, 7, 9], 0); // => 4
 */
export function variance(values: Values, correction: 0 | 1 = 1): number {
  requireCount("variance", values, correction + 1);
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - center) ** 2;
  return sum / (values.length - correction);
}

/**
 * The square root of the variance.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when there are not more values than `correction`
 * @example
 * standardDeviation([2, 4, 4, 4, 5, 5, 7, 9], 0); // => 2
 */
export function standardDeviation(values: Values, correction: 0 | 1 = 1): number {
  return Math.sqrt(variance(values, correction));
}

/**
 * The quantile at `level`, interpolated linearly between order statistics: type 7 of Hyndman and Fan (1996), "Sample
 * quantiles in statistical packages", which is also what R and numpy do unless told otherwise.
 *
 * @param level inside [0, 1]
 * @returns NaN when a value is NaN
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `values` is empty or `level` is outside [0, 1]
 * @example
 * quantile([10, 20, 30, 40], 0.25); // => 17.5
 */
export function quantile(values: Values, level: number): number {
  return quantiles(values, [level])[0];
}

/**
 * Several quantiles with one sort; see `quantile`.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `values` is empty or a level is outside [0, 1]
 * @example
 * quantiles([10, 20, 30, 40], [0, 0.5, 1]); // => [10, 25, 40]
 */
export function quantiles(values: Values, levels: Values): number[] {
  requireCount("quantile", values, 1);
  const sorted = Float64Array.from(values).sort();
  const last = sorted.length - 1;
  return Array.from(levels, (level) => {
    if (!(level >= 0 && level <= 1)) {
      throw new PlatformError(
        "input",
        "STATISTIC_INPUT_INVALID",
        `quantile: expected a level inside [0, 1], received ${level}`,
      );
    }
    if (Number.isNaN(sorted[last])) return Number.NaN; // NaN sorts to the end
    const position = level * last;
    const below = Math.floor(position);
    if (below === last || sorted[below] === sorted[below + 1]) return sorted[below];
    return sorted[below] + (position - below) * (sorted[below + 1] - sorted[below]);
  });
}

/**
 * The middle value, or the mean of the two middle ones.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `values` is empty
 * @example
 * median([3, 1, 10, 2]); // => 2.5
 */
export function median(values: Values): number {
  return quantile(values, 0.5);
}

/**
 * Autocovariance at `lag`: `(1/n) Σ (x[t] - mean)(x[t - lag] - mean)`. The divisor is n at every lag, which keeps the
 * sequence positive semi-definite (Box and Jenkins 1970; also R's `acf`).
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `lag` is not a whole number inside [0, n)
 * @example
 * autocovariance([1, 2, 3, 4], 1); // => 0.3125
 */
export function autocovariance(values: Values, lag: number): number {
  if (!(Number.isInteger(lag) && lag >= 0 && lag < values.length)) {
    throw new PlatformError(
      "input",
      "STATISTIC_INPUT_INVALID",
      `autocovariance: expected a lag inside [0, ${values.length}), received ${lag}`,
    );
  }
  const center = mean(values);
  let sum = 0;
  for (let t = lag; t < values.length; t++) sum += (values[t] - center) * (values[t - lag] - center);
  return sum / values.length;
}

function requireCount(what: string, values: Values, count: number): void {
  if (values.length >= count) return;
  throw new PlatformError(
    "input",
    "STATISTIC_INPUT_INVALID",
    `${what}: expected at least ${count} value${count === 1 ? "" : "s"}, received ${values.length}`,
  );
}
