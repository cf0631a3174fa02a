/** Correlation of forecasts and outcomes across assets, the score of cross-sectional models (Grinold and Kahn 2000). */
import { mean, ranks, standardDeviation, type Values } from "../../base/index.ts";
import { invalidMetric, requirePairs } from "./check.ts";
import { groupByDate } from "./dates.ts";

/** The information coefficient of a panel. */
export interface InformationCoefficient {
  /** Mean over dates of the correlation within a date; NaN when no date has one. */
  readonly mean: number;
  /** Mean divided by the sample standard deviation over dates, not annualised; NaN with fewer than two dates. */
  readonly ir: number;
  /** The dates that have a correlation, in time order, and the correlation of each. */
  readonly dates: Float64Array;
  readonly perDate: Float64Array;
  /** Dates left out: fewer than `minimumCount` assets, or all forecasts or all outcomes equal. */
  readonly skippedDates: number;
}

/** The three columns of a panel, `[n]` each: one row is one asset on one date. */
export interface Panel {
  readonly date: Values;
  readonly forecast: Values;
  readonly outcome: Values;
}

/**
 * Pearson's correlation, by two passes.
 *
 * @returns inside [-1, 1]; NaN when either side is constant
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * pearson([1, 2, 3], [2, 4, 6]); // => 1
 */
export function pearson(x: Values, y: Values): number {
  const count = requirePairs("pearson", x, y);
  const centerX = mean(x);
  const centerY = mean(y);
  let covariance = 0;
  let spreadX = 0;
  let spreadY = 0;
  for (let i = 0; i < count; i++) {
    covariance += (x[i] - centerX) * (y[i] - centerY);
    spreadX += (x[i] - centerX) ** 2;
    spreadY += (y[i] - centerY) ** 2;
  }
  // A constant such as 0.1 has a mean that is off by rounding; its spread is noise, not variation.
  const noise = (center: number) => count * (4 * Number.EPSILON * center) ** 2;
  if (spreadX <= noise(centerX) || spreadY <= noise(centerY)) return Number.NaN;
  return Math.max(-1, Math.min(1, covariance / spreadX / Math.sqrt(spreadY / spreadX)));
}

/**
 * Spearman's rank correlation: Pearson's correlation of the ranks, ties sharing the mean of theirs.
 *
 * @returns inside [-1, 1]; NaN when either side is constant
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * spearman([1, 2, 3, 4], [1, 8, 27, 64]); // => 1
 */
export function spearman(x: Values, y: Values): number {
  requirePairs("spearman", x, y);
  return pearson(ranks(x), ranks(y));
}

/**
 * IC: Pearson's correlation of forecast and outcome over the assets of each date, averaged over dates, with ICIR.
 *
 * One series alone has no cross-section and every date is skipped; use `pearson` over time for it and say so.
 *
 * @param options `minimumCount`: dates with fewer assets are skipped, default 3
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the columns differ in length or are empty
 * @see Qlib's `calc_ic`, which also uses the sample standard deviation for ICIR
 * @example
 * informationCoefficient({ date: [1, 1, 1], forecast: [1, 2, 3], outcome: [3, 2, 1] }).mean; // => -1
 */
export function informationCoefficient(
  panel: Panel,
  options: { readonly minimumCount?: number } = {},
): InformationCoefficient {
  return coefficient("informationCoefficient", panel, options.minimumCount ?? 3, pearson);
}

/**
 * RankIC: as `informationCoefficient`, with Spearman's correlation, so that a few extreme returns do not decide it.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the columns differ in length or are empty
 * @example
 * rankInformationCoefficient({ date: [1, 1, 1], forecast: [1, 2, 3], outcome: [1, 2, 99] }).mean; // => 1
 */
export function rankInformationCoefficient(
  panel: Panel,
  options: { readonly minimumCount?: number } = {},
): InformationCoefficient {
  return coefficient("rankInformationCoefficient", panel, options.minimumCount ?? 3, spearman);
}

function coefficient(
  metric: string,
  panel: Panel,
  minimumCount: number,
  correlation: (x: Values, y: Values) => number,
): InformationCoefficient {
  const count = requirePairs(metric, panel.outcome, panel.forecast);
  if (panel.date.length !== count) {
    invalidMetric(metric, `expected ${count} dates, one for each row, received ${panel.date.length}`);
  }
  const dates: number[] = [];
  const perDate: number[] = [];
  let skippedDates = 0;
  for (const [date, rows] of groupByDate(panel.date)) {
    const value =
      rows.length < minimumCount
        ? Number.NaN
        : correlation(
            rows.map((row) => panel.forecast[row]),
            rows.map((row) => panel.outcome[row]),
          );
    if (Number.isNaN(value)) {
      skippedDates++;
    } else {
      dates.push(date);
      perDate.push(value);
    }
  }
  const average = perDate.length > 0 ? mean(perDate) : Number.NaN;
  const ir = perDate.length > 1 ? average / standardDeviation(perDate) : Number.NaN;
  return {
    mean: average,
    ir,
    dates: Float64Array.from(dates),
    perDate: Float64Array.from(perDate),
    skippedDates,
  };
}
