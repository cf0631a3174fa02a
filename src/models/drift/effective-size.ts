/**
 * How many independent observations a sample is worth. Values of neighbouring dates are alike, and so are those of one date
 * across symbols; taken as independent, ordinary samples would look like drift.
 */
import { mean, quantile, variance } from "../../base/index.ts";

/**
 * Number of independent observations whose mean would vary as much as the mean of these: `σ² / Var(mean)`, where the
 * variance of the mean comes from the sums per date and their autocovariances, added in pairs for as long as a pair is
 * positive. Of the values and of their distance from the median the smaller number counts, so that clusters of volatility
 * are seen too.
 *
 * @param dates the date of each value, any number that is equal for equal dates and ascends with time; null takes the values
 *   as independent
 * @returns inside [1, number of values]
 * @see Geyer (1992), "Practical Markov chain Monte Carlo" (initial positive sequence)
 */
export function effectiveSize(values: Float64Array, dates: ArrayLike<number> | null): number {
  const n = values.length;
  if (dates === null || n < 3) return n;
  const middle = quantile(values, 0.5);
  const spread = values.map((value) => Math.abs(value - middle));
  return Math.max(1, Math.min(n, sizeForMean(values, dates), sizeForMean(spread, dates)));
}

function sizeForMean(values: Float64Array, dates: ArrayLike<number>): number {
  const n = values.length;
  const sigma2 = variance(values);
  if (!(sigma2 > 0)) return n;
  const center = mean(values);
  const sums = new Map<number, number>();
  for (let i = 0; i < n; i++) sums.set(dates[i], (sums.get(dates[i]) ?? 0) + values[i] - center);
  const series = inBlocks([...sums].sort(([a], [b]) => a - b).map(([, sum]) => sum));
  const covariance = (lag: number) => {
    let sum = 0;
    for (let t = lag; t < series.length; t++) sum += series[t] * series[t - lag];
    return sum;
  };
  // Γ_k = γ_2k + γ_2k+1 is positive and falls for every reversible chain; the first that is not is noise. At most half of
  // the lags are looked at: no mean is estimated from one cycle.
  let longRun = -covariance(0);
  for (let lag = 0; lag + 1 < Math.max(2, series.length / 2); lag += 2) {
    const pair = covariance(lag) + covariance(lag + 1);
    if (pair <= 0) break;
    longRun += 2 * pair;
  }
  // Negative dependence would make a sample worth more than its size; that is not relied on.
  const varianceOfMean = Math.max(longRun, covariance(0)) / (n * n);
  return sigma2 / varianceOfMean;
}

/** Sums of neighbours, so that the work stays bounded; the variance of the total is the same. */
function inBlocks(sums: readonly number[]): number[] {
  const size = Math.ceil(sums.length / 4096);
  const blocks: number[] = [];
  for (let from = 0; from < sums.length; from += size)
    blocks.push(sums.slice(from, from + size).reduce((total, sum) => total + sum, 0));
  return blocks;
}
