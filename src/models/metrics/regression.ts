/**
 * Errors of point forecasts. Every function takes the outcomes first, then the forecasts, both `[n]` in one unit. NaN in,
 * NaN out: nothing is skipped.
 */
import { mean, type Values } from "../../base/index.ts";
import { invalidMetric, requirePairs } from "./check.ts";

/**
 * Mean squared error `(1/n) Σ (y - ŷ)²`, in squared units.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * meanSquaredError([1, 2, 3], [1, 4, 2]); // => 1.6666666666666667
 */
export function meanSquaredError(outcome: Values, forecast: Values): number {
  return meanOf("meanSquaredError", outcome, forecast, (y, f) => (y - f) ** 2);
}

/**
 * Root of the mean squared error, in the unit of the outcome.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * rootMeanSquaredError([0, 0], [3, 3]); // => 3
 */
export function rootMeanSquaredError(outcome: Values, forecast: Values): number {
  return Math.sqrt(meanSquaredError(outcome, forecast));
}

/**
 * Mean absolute error `(1/n) Σ |y - ŷ|`, in the unit of the outcome.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * meanAbsoluteError([1, 2, 3], [1, 4, 2]); // => 1
 */
export function meanAbsoluteError(outcome: Values, forecast: Values): number {
  return meanOf("meanAbsoluteError", outcome, forecast, (y, f) => Math.abs(y - f));
}

/**
 * Mean absolute percentage error `(100/n) Σ |y - ŷ| / |y|`, in percent. Fit for outcomes far from zero, such as prices; for
 * returns it means little.
 *
 * @returns Infinity when an outcome is 0 and its forecast is not; a pair of zeros counts as no error
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * meanAbsolutePercentageError([100, 200], [110, 180]); // => 10
 */
export function meanAbsolutePercentageError(outcome: Values, forecast: Values): number {
  return meanOf("meanAbsolutePercentageError", outcome, forecast, (y, f) =>
    y === f ? 0 : (100 * Math.abs(y - f)) / Math.abs(y),
  );
}

/**
 * Symmetric mean absolute percentage error `(200/n) Σ |y - ŷ| / (|y| + |ŷ|)`, on the scale from 0 to 200, as in the M3 and
 * M4 competitions (Makridakis, Spiliotis and Assimakopoulos 2020). A pair of zeros counts as no error.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * symmetricMeanAbsolutePercentageError([1, 1], [1, 3]); // => 50
 */
export function symmetricMeanAbsolutePercentageError(outcome: Values, forecast: Values): number {
  return meanOf("symmetricMeanAbsolutePercentageError", outcome, forecast, (y, f) =>
    y === f ? 0 : (200 * Math.abs(y - f)) / (Math.abs(y) + Math.abs(f)),
  );
}

/**
 * The scale of MASE: mean absolute error, within the training series, of the forecast that repeats the value of `season`
 * steps before.
 *
 * @param training the series before the forecast, in time order, longer than `season`
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the series is not longer than the season
 * @example
 * seasonalScale([1, 3, 2, 6], 1); // => 2.3333333333333335
 */
export function seasonalScale(training: Values, season: number): number {
  if (!(Number.isInteger(season) && season >= 1 && training.length > season)) {
    invalidMetric(
      "seasonalScale",
      `expected a training series longer than the season, a whole number from 1, received ${training.length} values and season ${season}`,
    );
  }
  let sum = 0;
  for (let t = season; t < training.length; t++) sum += Math.abs(training[t] - training[t - season]);
  return sum / (training.length - season);
}

/**
 * Mean absolute scaled error: the mean absolute error divided by `seasonalScale(training, season)` (Hyndman and Koehler
 * 2006, "Another look at measures of forecast accuracy"). Below 1 is better than the seasonal naive forecast did one season
 * ahead inside the training series.
 *
 * @param season steps in one season: 1 for none, 12 for months, 5 for trading days of a week
 * @returns Infinity when the training series repeats itself exactly and the forecast does not
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ, or the series is not longer than the season
 * @example
 * meanAbsoluteScaledError([8], [6], [1, 2, 3, 4], 1); // => 2
 */
export function meanAbsoluteScaledError(
  outcome: Values,
  forecast: Values,
  training: Values,
  season: number,
): number {
  return meanAbsoluteError(outcome, forecast) / seasonalScale(training, season);
}

/**
 * Coefficient of determination `1 - Σ (y - ŷ)² / Σ (y - mean y)²`. It compares with the mean of the very outcomes, which
 * no forecaster knew; see `skill` for a baseline that was known.
 *
 * @returns at most 1; below 0 when worse than that mean; when all outcomes are equal, 1 for a perfect forecast, else
 *   -Infinity
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * rSquared([1, 2, 3, 4], [1, 2, 3, 5]); // => 0.8
 */
export function rSquared(outcome: Values, forecast: Values): number {
  const count = requirePairs("rSquared", outcome, forecast);
  const center = mean(outcome);
  let residual = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    residual += (outcome[i] - forecast[i]) ** 2;
    total += (outcome[i] - center) ** 2;
  }
  return residual === 0 ? 1 : 1 - residual / total;
}

/**
 * Skill over a baseline, `1 - MSE / MSE_naive` (Murphy 1988, "Skill scores based on the mean square error"): 1 is perfect,
 * 0 no better than the baseline, negative worse.
 *
 * @returns when the baseline was perfect: 0 for a model that was so too, else -Infinity
 * @example
 * skill(0.75, 1); // => 0.25
 */
export function skill(mse: number, mseNaive: number): number {
  return mse === mseNaive ? 0 : 1 - mse / mseNaive;
}

/**
 * Share of outcomes whose sign was forecast, for returns and other changes. An outcome of exactly 0 went neither way and is
 * left out. A forecast of exactly 0 names no direction and counts one half, so the naive forecast of no change scores 0.5.
 *
 * @returns inside [0, 1]; NaN when every outcome is 0
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * directionAccuracy([0.01, -0.02, 0, 0.03], [0.5, -0.1, 0.2, 0]); // => 0.8333333333333334
 */
export function directionAccuracy(outcome: Values, forecast: Values): number {
  const count = requirePairs("directionAccuracy", outcome, forecast);
  let right = 0;
  let moved = 0;
  for (let i = 0; i < count; i++) {
    if (outcome[i] === 0) continue;
    moved++;
    const agreement = Math.sign(outcome[i]) * Math.sign(forecast[i]);
    right += (agreement + 1) / 2;
  }
  return right / moved;
}

function meanOf(
  metric: string,
  outcome: Values,
  forecast: Values,
  error: (outcome: number, forecast: number) => number,
): number {
  const count = requirePairs(metric, outcome, forecast);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += error(outcome[i], forecast[i]);
  return sum / count;
}
