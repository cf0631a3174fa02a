/** Is the difference between two forecasts more than luck? */
import { autocovariance, mean, studentTTwoSided, type Values } from "../../base/index.ts";
import { invalidMetric, requirePairs } from "./check.ts";
import { groupByDate } from "./dates.ts";

/**
 * How the autocovariances of the loss differences are weighted:
 * - `rectangular`: all h - 1 lags in full, as Diebold and Mariano (1995) and Harvey, Leybourne and Newbold (1997) do,
 *   because errors h steps ahead are correlated over h - 1 lags; the estimate can come out negative
 * - `bartlett`: weights `1 - lag/h`, never negative (Newey and West 1987)
 */
export type VarianceKernel = "rectangular" | "bartlett";

export interface DieboldMariano {
  /** The corrected statistic; positive when the second forecast has the smaller loss. */
  readonly statistic: number;
  /** Two-sided, by Student's t with `dates - 1` degrees of freedom. */
  readonly pValue: number;
  readonly meanDifference: number;
  readonly dates: number;
  /** The kernel that was used: `bartlett` also where the rectangular estimate was not positive. */
  readonly kernel: VarianceKernel;
}

/**
 * The Diebold-Mariano test with the small-sample correction of Harvey, Leybourne and Newbold (1997), "Testing the equality
 * of prediction mean squared errors": `DM = mean(d) / √(V/n)`, times `√((n + 1 - 2h + h(h-1)/n) / n)`.
 *
 * For a panel, average the differences of all symbols on a date first (`lossDifferencesPerDate`): on one day markets move
 * together, and counting every symbol as an independent case would make chance look like proof.
 *
 * @param lossDifferencesPerDate `[dates]` in time order: loss of the first forecast (such as naive) less loss of the second
 *   (such as the model)
 * @param horizon steps ahead h, in dates
 * @returns a p-value of 1 when the two forecasts never differ
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when there are fewer than two dates, or not more than `horizon`, or a
 *   difference is not finite
 * @example
 * dieboldMariano([0, 0, 0, 0], 1).pValue; // => 1
 */
export function dieboldMariano(
  lossDifferencesPerDate: Values,
  horizon: number,
  options: { readonly kernel?: VarianceKernel } = {},
): DieboldMariano {
  const d = lossDifferencesPerDate;
  const n = d.length;
  if (!(Number.isInteger(horizon) && horizon >= 1 && n > Math.max(1, horizon))) {
    invalidMetric(
      "dieboldMariano",
      `expected a whole horizon from 1 and more dates than it, received horizon ${horizon} and ${n} dates`,
    );
  }
  let largest = 0;
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(d[i])) {
      invalidMetric("dieboldMariano", `expected finite differences, received ${d[i]} at ${i}`);
    }
    largest = Math.max(largest, Math.abs(d[i]));
  }
  const meanDifference = mean(d);
  const gamma = Array.from({ length: horizon }, (_, lag) => autocovariance(d, lag));
  if (gamma[0] <= (4 * Number.EPSILON * largest) ** 2) {
    // The difference never varies: either there is none, or one forecast is better by the same amount every time.
    const always = meanDifference !== 0;
    return {
      statistic: always ? Math.sign(meanDifference) * Number.POSITIVE_INFINITY : 0,
      pValue: always ? 0 : 1,
      meanDifference,
      dates: n,
      kernel: options.kernel ?? "rectangular",
    };
  }
  let kernel = options.kernel ?? "rectangular";
  let longRun = longRunVariance(gamma, kernel);
  if (longRun <= 0) {
    kernel = "bartlett";
    longRun = longRunVariance(gamma, kernel);
  }
  const correction = Math.sqrt((n + 1 - 2 * horizon + (horizon * (horizon - 1)) / n) / n);
  const statistic = (correction * meanDifference) / Math.sqrt(longRun / n);
  return { statistic, pValue: studentTTwoSided(statistic, n - 1), meanDifference, dates: n, kernel };
}

/**
 * Mean over the symbols of each date of `firstLoss - secondLoss`, in time order: what `dieboldMariano` takes for a panel.
 *
 * @param date `[n]`, the date of each row
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the columns differ in length or are empty
 * @example
 * Array.from(lossDifferencesPerDate([2, 1, 2], [5, 1, 3], [1, 1, 1])); // => [0, 3]
 */
export function lossDifferencesPerDate(date: Values, firstLoss: Values, secondLoss: Values): Float64Array {
  const count = requirePairs("lossDifferencesPerDate", firstLoss, secondLoss);
  if (date.length !== count) {
    invalidMetric("lossDifferencesPerDate", `expected ${count} dates, received ${date.length}`);
  }
  return Float64Array.from(groupByDate(date), ([, rows]) =>
    mean(rows.map((row) => firstLoss[row] - secondLoss[row])),
  );
}

/** `γ(0) + 2 Σ w(lag) γ(lag)` over the lags 1 to h - 1. */
function longRunVariance(gamma: readonly number[], kernel: VarianceKernel): number {
  const weight = (lag: number) => (kernel === "bartlett" ? 1 - lag / gamma.length : 1);
  return gamma.reduce((sum, value, lag) => sum + (lag === 0 ? value : 2 * weight(lag) * value), 0);
}
