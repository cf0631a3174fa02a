/** Confidence intervals of measures of dependent returns, by resampling blocks of random length. */
import { autocovariance, foldIn, type Key, PlatformError, quantile, uniform } from "../../../base/index.ts";

export interface BootstrapOptions {
  /** Resampled histories. */
  readonly resamples?: number;
  /** Mean length of a block, in periods; chosen from the series when absent. */
  readonly blockLength?: number;
  /** Probability that the interval covers, inside (0, 1). */
  readonly confidence?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile intervals of statistics by the stationary bootstrap: blocks begin anywhere, end with probability one over the mean
 * length, and wrap around.
 *
 * @param statistics all of them on resampled period numbers `[periods]`, so that several series are resampled together
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when an option is outside its range
 * @see Politis and Romano (1994), "The stationary bootstrap"
 */
export function bootstrapIntervals<Name extends string>(
  periods: number,
  statistics: (order: Int32Array) => Readonly<Record<Name, number>>,
  key: Key,
  {
    resamples = 1000,
    blockLength = Math.max(1, periods ** (1 / 3)),
    confidence = 0.95,
  }: BootstrapOptions = {},
): Record<Name, Interval> {
  if (!(resamples >= 10)) throw option("resamples", `expected at least 10, received ${resamples}`);
  if (!(blockLength >= 1)) throw option("blockLength", `expected at least 1 period, received ${blockLength}`);
  if (!(confidence > 0 && confidence < 1))
    throw option("confidence", `expected a number inside (0, 1), received ${confidence}`);
  const draws = new Map<Name, Float64Array>();
  for (let b = 0; b < resamples; b++) {
    const values = statistics(stationaryOrder(periods, blockLength, foldIn(key, b)));
    for (const name of Object.keys(values) as Name[]) {
      const all = draws.get(name) ?? new Float64Array(resamples);
      all[b] = values[name];
      draws.set(name, all);
    }
  }
  const tail = (1 - confidence) / 2;
  return Object.fromEntries(
    [...draws].map(([name, all]) => [name, { low: quantile(all, tail), high: quantile(all, 1 - tail) }]),
  ) as Record<Name, Interval>;
}

/** One resampled order of the periods. */
export function stationaryOrder(periods: number, blockLength: number, key: Key): Int32Array {
  const ends = uniform(foldIn(key, "end"), periods);
  const breaks = ends.reduce((count, value) => count + (value < 1 / blockLength ? 1 : 0), 0);
  const starts = uniform(foldIn(key, "start"), breaks + 1);
  const order = new Int32Array(periods);
  for (let t = 0, at = 0, block = 0; t < periods; t++) {
    at = t === 0 || ends[t] < 1 / blockLength ? Math.floor(starts[block++] * periods) : (at + 1) % periods;
    order[t] = at;
  }
  return order;
}

/**
 * The mean block length that minimises the error of the stationary bootstrap's variance of the mean.
 *
 * @see Politis and White (2004), "Automatic block-length selection for the dependent bootstrap", with the correction of Patton,
 *   Politis and White (2009)
 */
export function automaticBlockLength(returns: Float64Array): number {
  const n = returns.length;
  const lag0 = autocovariance(returns, 0);
  if (n < 8 || lag0 === 0) return 1;
  const limit = Math.ceil(Math.sqrt(n)) + Math.max(5, Math.ceil(Math.log10(n)));
  const band = 2 * Math.sqrt(Math.log10(n) / n);
  const run = Math.max(5, Math.ceil(Math.log10(n)));
  const most = Math.min(limit, n - 1);
  const covariances = Float64Array.from({ length: most + 1 }, (_, lag) => autocovariance(returns, lag));
  // The first lag behind which a run of correlations is negligible.
  let last = 0;
  for (let lag = 1, quiet = 0; lag <= most && quiet < run; lag++) {
    if (Math.abs(covariances[lag] / lag0) < band) quiet++;
    else {
      quiet = 0;
      last = lag;
    }
  }
  const width = Math.min(2 * Math.max(1, last), most);
  let g = 0;
  let d = lag0;
  for (let lag = 1; lag <= width; lag++) {
    const share = lag / width;
    const weight = share <= 0.5 ? 1 : 2 * (1 - share); // the flat-top window
    g += 2 * weight * lag * covariances[lag];
    d += 2 * weight * covariances[lag];
  }
  const length = ((g * g) / (d * d)) ** (1 / 3) * n ** (1 / 3);
  return Math.max(1, Math.min(length, Math.ceil(Math.min(3 * Math.sqrt(n), n / 3))));
}

function option(field: string, what: string): PlatformError {
  return new PlatformError("input", "PORTFOLIO_OPTION_INVALID", `${field}: ${what}`, { field });
}
