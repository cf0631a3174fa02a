/** What made series are judged by: the stylised facts of returns (Cont 2001). */
import { type Key, mean, PlatformError, uniform, type Values, variance } from "../../base/index.ts";

export interface SeriesStatistics {
  readonly mean: number;
  readonly deviation: number;
  /** 3 for a normal distribution; fat tails have more. */
  readonly kurtosis: number;
  /** Autocorrelation of the returns at lags 1, 2, ...; near 0 in a market. */
  readonly autocorrelation: readonly number[];
  /** Of their absolute values: positive where calm and wild times come in clusters. */
  readonly absoluteAutocorrelation: readonly number[];
}

/**
 * Statistics over several series of one length. Autocovariances are those inside a series, around the mean of all.
 *
 * @param returns `[series, length]`, row by row
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the returns are not whole series, or not longer than the lags
 * @example
 * seriesStatistics([1, -1, 1, -1], { length: 4, lags: 1 }).autocorrelation; // => [-1]
 */
export function seriesStatistics(
  returns: Values,
  { length, lags = 5 }: { readonly length: number; readonly lags?: number },
): SeriesStatistics {
  if (!(returns.length > 0 && returns.length % length === 0 && lags < length)) {
    const message = `seriesStatistics: expected whole series of ${length} returns, more than ${lags}, received ${returns.length} returns`;
    throw new PlatformError("input", "STATISTIC_INPUT_INVALID", message);
  }
  const center = mean(returns);
  const spread = variance(returns, 0);
  const fourth = mean(Float64Array.from(returns, (value) => (value - center) ** 4));
  return {
    mean: center,
    deviation: Math.sqrt(spread),
    kurtosis: fourth / spread ** 2,
    autocorrelation: autocorrelations(returns, length, lags),
    absoluteAutocorrelation: autocorrelations(Float64Array.from(returns, Math.abs), length, lags),
  };
}

function autocorrelations(values: Values, length: number, lags: number): number[] {
  const center = mean(values);
  const spread = variance(values, 0);
  return Array.from({ length: lags }, (_, i) => {
    const lag = i + 1;
    let sum = 0;
    let count = 0;
    for (let start = 0; start < values.length; start += length) {
      for (let t = start + lag; t < start + length; t++) {
        sum += (values[t] - center) * (values[t - lag] - center);
        count++;
      }
    }
    return sum / count / spread;
  });
}

/**
 * Returns drawn from real ones, each by itself, with replacement (Efron 1979): the baseline of made series. They have the real ones'
 * distribution and no memory.
 *
 * @example
 * bootstrapReturns([0.01], 2, { high: 0, low: 1 }); // => [0.01, 0.01]
 */
export function bootstrapReturns(returns: Values, count: number, key: Key): Float64Array {
  return uniform(key, count, 0, returns.length).map((place) => returns[Math.floor(place)]);
}
