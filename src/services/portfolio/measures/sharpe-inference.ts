/** How much of a Sharpe ratio is luck: of one series, of the best of many, and of a choice made in hindsight. */
import {
  type Matrix,
  mean,
  normalCdf,
  normalQuantile,
  PlatformError,
  standardDeviation,
  variance,
} from "../../../base/index.ts";

/** A Sharpe ratio per period, and the moments that its error depends on. */
export interface SharpeSample {
  /** Per period, not annual. */
  readonly sharpe: number;
  readonly observations: number;
  readonly skewness: number;
  /** 3 for the normal distribution. */
  readonly kurtosis: number;
}

/** @param riskFree per period */
export function sharpeSample(returns: Float64Array, riskFree = 0): SharpeSample {
  const average = mean(returns);
  const spread = variance(returns, 0);
  const moment = (power: number) =>
    mean(returns.map((value) => (value - average) ** power)) / spread ** (power / 2);
  return {
    sharpe: (average - riskFree) / standardDeviation(returns),
    observations: returns.length,
    skewness: moment(3),
    kurtosis: moment(4),
  };
}

/**
 * The probabilistic Sharpe ratio: the probability that the true ratio exceeds `benchmark`, given length, skewness and kurtosis.
 *
 * @param benchmark per period
 * @see Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier"
 */
export function probabilisticSharpe(
  { sharpe, observations, skewness, kurtosis }: SharpeSample,
  benchmark = 0,
): number {
  const spread = 1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe;
  return normalCdf(((sharpe - benchmark) * Math.sqrt(observations - 1)) / Math.sqrt(Math.max(spread, 1e-12)));
}

/**
 * The Sharpe ratio that the best of several independent trials without any skill is expected to show.
 *
 * @param trials how many were tried, at least 1
 * @param variance of the ratios of the trials, in the unit (squared) of the answer
 * @see Bailey and López de Prado (2014), "The deflated Sharpe ratio", equation 1
 */
export function expectedMaximumSharpe(trials: number, spread: number): number {
  if (trials <= 1) return 0;
  const euler = 0.5772156649015329;
  return (
    Math.sqrt(spread) *
    ((1 - euler) * normalQuantile(1 - 1 / trials) + euler * normalQuantile(1 - 1 / (trials * Math.E)))
  );
}

/**
 * The deflated Sharpe ratio: the probability that a ratio exceeds what the best of all trials would show by luck.
 *
 * @param sharpes of all trials, per period
 * @example
 * deflatedSharpe({ sharpe: 0.1, observations: 500, skewness: 0, kurtosis: 3 }, [0.1]) > 0.98; // => true
 */
export function deflatedSharpe(sample: SharpeSample, sharpes: readonly number[]): number {
  const spread = sharpes.length > 1 ? variance(sharpes) : 0;
  return probabilisticSharpe(sample, expectedMaximumSharpe(sharpes.length, spread));
}

export interface OverfittingProbability {
  /** Share of the splits in which the best of one half is below the median of the other; at the median it counts half. */
  readonly probability: number;
  /** Splits tried. */
  readonly splits: number;
  /** Of each split: the logit of the relative rank, in the other half, of the trial that was best in the first. */
  readonly logits: Float64Array;
  /** Slope of the ratio in the other half on the ratio in the first, for the best trials: negative when choosing hurts. */
  readonly degradation: number;
}

/**
 * The probability of backtest overfitting by combinatorially symmetric cross-validation: the periods are cut into blocks, each
 * half of the blocks chooses the trial with the best Sharpe ratio, and the other half ranks it.
 *
 * @param trials returns `[trials, periods]`, at least two trials
 * @param blocks even, at least 2; 16 gives 12,870 splits
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when blocks are odd or there are fewer than two trials,
 *   `PORTFOLIO_TOO_SHORT` when a block would have fewer than two periods
 * @see Bailey, Borwein, López de Prado and Zhu (2017), "The probability of backtest overfitting"
 */
export function overfittingProbability(
  { rows: n, columns, data }: Matrix,
  blocks = 16,
): OverfittingProbability {
  if (n < 2) throw option("trials", `expected at least 2 trials to choose from, received ${n}`);
  if (!Number.isInteger(blocks) || blocks < 2 || blocks % 2 !== 0 || blocks > 20)
    throw option("blocks", `expected an even number from 2 to 20, received ${blocks}`);
  if (columns < 2 * blocks)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `probability of overfitting: expected at least ${2 * blocks} periods for ${blocks} blocks, received ${columns}`,
    );
  // Of each block and trial: count, sum, sum of squares, from which any union's Sharpe ratio follows.
  const counts = new Float64Array(blocks);
  const sums = new Float64Array(blocks * n);
  const squares = new Float64Array(blocks * n);
  for (let b = 0; b < blocks; b++) {
    const from = Math.floor((b * columns) / blocks);
    const to = Math.floor(((b + 1) * columns) / blocks);
    counts[b] = to - from;
    for (let i = 0; i < n; i++) {
      for (let t = from; t < to; t++) {
        const value = data[i * columns + t];
        sums[b * n + i] += value;
        squares[b * n + i] += value * value;
      }
    }
  }
  const ratios = (mask: number, wanted: 0 | 1) => {
    let count = 0;
    const sum = new Float64Array(n);
    const square = new Float64Array(n);
    for (let b = 0; b < blocks; b++) {
      if (((mask >> b) & 1) !== wanted) continue;
      count += counts[b];
      for (let i = 0; i < n; i++) {
        sum[i] += sums[b * n + i];
        square[i] += squares[b * n + i];
      }
    }
    return sum.map((total, i) => {
      const average = total / count;
      const spread = (square[i] - total * average) / (count - 1);
      return spread > 0 ? average / Math.sqrt(spread) : 0;
    });
  };
  const logits: number[] = [];
  const inside: number[] = [];
  const outside: number[] = [];
  for (let mask = 0; mask < 2 ** blocks; mask++) {
    if (bitCount(mask) !== blocks / 2) continue;
    const chosenBy = ratios(mask, 1);
    const judgedBy = ratios(mask, 0);
    let best = 0;
    for (let i = 1; i < n; i++) if (chosenBy[i] > chosenBy[best]) best = i;
    // Ties share their ranks.
    let rank = 1;
    for (let i = 0; i < n; i++)
      if (i !== best) rank += judgedBy[i] < judgedBy[best] ? 1 : judgedBy[i] === judgedBy[best] ? 0.5 : 0;
    const relative = rank / (n + 1);
    logits.push(Math.log(relative / (1 - relative)));
    inside.push(chosenBy[best]);
    outside.push(judgedBy[best]);
  }
  const below = logits.reduce((count, value) => count + (value < 0 ? 1 : value === 0 ? 0.5 : 0), 0);
  return {
    probability: below / logits.length,
    splits: logits.length,
    logits: Float64Array.from(logits),
    degradation: slope(inside, outside),
  };
}

function slope(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  let xy = 0;
  let xx = 0;
  for (let k = 0; k < x.length; k++) {
    xy += (x[k] - mx) * (y[k] - my);
    xx += (x[k] - mx) ** 2;
  }
  return xx === 0 ? Number.NaN : xy / xx;
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest > 0; rest &= rest - 1) count++;
  return count;
}

function option(field: string, what: string): PlatformError {
  return new PlatformError("input", "PORTFOLIO_OPTION_INVALID", `${field}: ${what}`, { field });
}
