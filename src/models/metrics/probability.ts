/** Scores of forecast probabilities. */
import { ranks, type Values } from "../../base/index.ts";
import { invalidMetric, requirePairs } from "./check.ts";

/**
 * Area under the ROC curve: the chance that a random positive case has a higher score than a random negative one, ties
 * counting one half. Computed from ranks, as the Mann-Whitney statistic (Hanley and McNeil 1982).
 *
 * @param outcome 1 for positive, 0 for negative
 * @param score any number that grows with the chance of 1
 * @returns inside [0, 1]; NaN when only one class is present, or a score is NaN
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0, or an outcome is neither 0 nor 1
 * @example
 * areaUnderRoc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]); // => 0.75
 */
export function areaUnderRoc(outcome: Values, score: Values): number {
  const count = requirePairs("areaUnderRoc", outcome, score);
  const rank = ranks(score);
  let positives = 0;
  let rankSum = 0;
  for (let i = 0; i < count; i++) {
    requireBinary("areaUnderRoc", outcome[i], i);
    if (Number.isNaN(score[i])) return Number.NaN;
    if (outcome[i] === 0) continue;
    positives++;
    rankSum += rank[i];
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (count - positives));
}

/**
 * Log loss (binary cross-entropy): `-(1/n) Σ [y ln p + (1 - y) ln(1 - p)]`, in nats. Probabilities are moved into
 * [2⁻⁵², 1 - 2⁻⁵²] first, so a certainty that proves wrong costs 36 nats and not infinity (scikit-learn's convention).
 *
 * @param probability of the outcome 1
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0, an outcome is neither 0 nor 1, or a
 *   probability is outside [0, 1]
 * @example
 * logLoss([1, 0], [0.5, 0.5]); // => 0.6931471805599453
 */
export function logLoss(outcome: Values, probability: Values): number {
  const count = requirePairs("logLoss", outcome, probability);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    requireBinary("logLoss", outcome[i], i);
    const p = probability[i];
    sum -= logOf(outcome[i] === 1 ? p : 1 - p, i);
  }
  return sum / count;
}

/**
 * Log loss of several classes: `-(1/n) Σ ln p[class that came]`, in nats, clipped as `logLoss` is.
 *
 * @param outcome `[n]`, the index of the class that came
 * @param probability `[n, classes]` row by row; each row sums to 1
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the sizes do not fit, an outcome is not a class index, or a
 *   probability is outside [0, 1]
 * @example
 * categoricalLogLoss([1], [0.25, 0.5, 0.25], 3); // => 0.6931471805599453
 */
export function categoricalLogLoss(outcome: Values, probability: Values, classes: number): number {
  const count = outcome.length;
  if (count === 0 || probability.length !== count * classes) {
    invalidMetric(
      "categoricalLogLoss",
      `expected probabilities [${count}, ${classes}] and at least one row, received ${probability.length} values`,
    );
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const index = outcome[i];
    if (!(Number.isInteger(index) && index >= 0 && index < classes)) {
      invalidMetric(
        "categoricalLogLoss",
        `expected a class index below ${classes}, received ${index} at ${i}`,
      );
    }
    sum -= logOf(probability[i * classes + index], i);
  }
  return sum / count;
}

function logOf(p: number, index: number): number {
  if (!(p >= 0 && p <= 1))
    invalidMetric("logLoss", `expected a probability inside [0, 1], received ${p} at ${index}`);
  return Math.log(Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON));
}

function requireBinary(metric: string, outcome: number, index: number): void {
  if (outcome !== 0 && outcome !== 1) {
    invalidMetric(metric, `expected outcomes 0 and 1, received ${outcome} at ${index}`);
  }
}
