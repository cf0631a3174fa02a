/** Scores of forecasts that are a distribution: quantiles at several levels, or a normal distribution. */
import { normalCdf, normalPdf, type Values } from "../../base/index.ts";
import { invalidMetric, requirePairs } from "./check.ts";

/**
 * Mean pinball (quantile) loss at one level: `τ (y - q)` above the quantile, `(1 - τ) (q - y)` below it, in the unit of the
 * outcome. Its expectation is smallest at the true quantile (Koenker and Bassett 1978). At level 0.5 it is half the MAE.
 *
 * @param outcome `[n]`
 * @param forecast `[n]`, the quantile at `level`
 * @param level inside (0, 1)
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0, or the level is outside (0, 1)
 * @example
 * pinballLoss([10, 10], [8, 14], 0.75); // => 1.25
 */
export function pinballLoss(outcome: Values, forecast: Values, level: number): number {
  const count = requirePairs("pinballLoss", outcome, forecast);
  requireLevels("pinballLoss", [level]);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += pinball(outcome[i] - forecast[i], level);
  return sum / count;
}

/** Coverage and width of an interval forecast. */
export interface IntervalCoverage {
  /** Share of outcomes inside the interval, its ends included. */
  readonly coverage: number;
  /** Mean of `upper - lower`, in the unit of the outcome: among honest intervals, narrower is better. */
  readonly meanWidth: number;
  /** Shares of outcomes under and over the interval. */
  readonly below: number;
  readonly above: number;
}

/**
 * How often the outcome fell inside its interval, and how wide the interval was. An interval between the quantiles 0.05
 * and 0.95 should cover 0.9.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * intervalCoverage([1, 5, 9, 3], [0, 0, 0, 0], [4, 4, 10, 4]); // => { coverage: 0.75, meanWidth: 5.5, below: 0, above: 0.25 }
 */
export function intervalCoverage(outcome: Values, lower: Values, upper: Values): IntervalCoverage {
  const count = requirePairs("intervalCoverage", outcome, lower);
  requirePairs("intervalCoverage", outcome, upper);
  let inside = 0;
  let below = 0;
  let above = 0;
  let width = 0;
  for (let i = 0; i < count; i++) {
    if (outcome[i] < lower[i]) below++;
    else if (outcome[i] > upper[i]) above++;
    else if (outcome[i] >= lower[i]) inside++; // a NaN is nowhere
    width += upper[i] - lower[i];
  }
  return { coverage: inside / count, meanWidth: width / count, below: below / count, above: above / count };
}

/** One row of a calibration table. */
export interface CalibrationRow {
  /** The level that the quantile claims. */
  readonly level: number;
  /** Share of outcomes at or below the quantile. */
  readonly observed: number;
  /** `√(level (1 - level) / n)`: how far `observed` strays by chance when outcomes are independent. */
  readonly standardError: number;
}

/**
 * For each quantile level, the share of outcomes at or below it: equal to the level when the forecast is calibrated.
 *
 * @param outcome `[n]`
 * @param quantiles `[n, levels]` row by row
 * @param levels inside (0, 1), rising
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the sizes do not fit, or the levels do not rise inside (0, 1)
 * @example
 * calibrationTable([1, 2, 3, 4], [2, 2, 2, 2], [0.5]); // => [{ level: 0.5, observed: 0.5, standardError: 0.25 }]
 */
export function calibrationTable(
  outcome: Values,
  quantiles: Values,
  levels: readonly number[],
): CalibrationRow[] {
  const count = requireQuantiles("calibrationTable", outcome, quantiles, levels);
  return levels.map((level, j) => {
    let under = 0;
    for (let i = 0; i < count; i++) if (outcome[i] <= quantiles[i * levels.length + j]) under++;
    return { level, observed: under / count, standardError: Math.sqrt((level * (1 - level)) / count) };
  });
}

/**
 * Continuous ranked probability score from quantiles, in the unit of the outcome: `2 ∫ pinball(τ) dτ`, where each level
 * stands for the levels nearest to it (Gneiting and Ranjan 2011). With one level, 0.5, it is the mean absolute error.
 * It approaches the true CRPS as the levels fill (0, 1); scores are comparable only between equal sets of levels.
 *
 * @param outcome `[n]`
 * @param quantiles `[n, levels]` row by row
 * @param levels inside (0, 1), rising
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the sizes do not fit, or the levels do not rise inside (0, 1)
 * @example
 * crpsFromQuantiles([3], [1], [0.5]); // => 2
 */
export function crpsFromQuantiles(outcome: Values, quantiles: Values, levels: readonly number[]): number {
  const count = requireQuantiles("crpsFromQuantiles", outcome, quantiles, levels);
  const borders = [0, ...levels.slice(1).map((level, j) => (levels[j] + level) / 2), 1];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < levels.length; j++) {
      const weight = borders[j + 1] - borders[j];
      sum += 2 * weight * pinball(outcome[i] - quantiles[i * levels.length + j], levels[j]);
    }
  }
  return sum / count;
}

/**
 * CRPS of the normal distribution, in the unit of the outcome: `σ [z (2Φ(z) - 1) + 2φ(z) - 1/√π]` with `z = (y - μ)/σ`
 * (Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and estimation"). At σ = 0 it is `|y - μ|`.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the deviation is negative
 * @example
 * crpsNormal(5, 3, 0); // => 2
 */
export function crpsNormal(outcome: number, mean: number, deviation: number): number {
  if (!(deviation >= 0)) invalidMetric("crpsNormal", `expected a deviation >= 0, received ${deviation}`);
  if (deviation === 0) return Math.abs(outcome - mean);
  const z = Math.abs(outcome - mean) / deviation;
  return deviation * (z * (1 - 2 * normalCdf(-z)) + 2 * normalPdf(z) - 1 / Math.sqrt(Math.PI));
}

function pinball(error: number, level: number): number {
  return error >= 0 ? level * error : (level - 1) * error;
}

function requireQuantiles(
  metric: string,
  outcome: Values,
  quantiles: Values,
  levels: readonly number[],
): number {
  requireLevels(metric, levels);
  if (outcome.length === 0 || quantiles.length !== outcome.length * levels.length) {
    invalidMetric(
      metric,
      `expected quantiles [${outcome.length}, ${levels.length}] and at least one row, received ${quantiles.length} values`,
    );
  }
  return outcome.length;
}

function requireLevels(metric: string, levels: readonly number[]): void {
  const rising = levels.every((level, j) => level > (j === 0 ? 0 : levels[j - 1]) && level < 1);
  if (levels.length === 0 || !rising) {
    invalidMetric(metric, `expected levels that rise inside (0, 1), received [${levels.join(", ")}]`);
  }
}
