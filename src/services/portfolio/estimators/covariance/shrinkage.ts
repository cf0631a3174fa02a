/**
 * Linear shrinkage: `(1 - intensity) sample + intensity target`, each with the intensity that its authors derived. Divisor n
 * throughout, as in the papers. Returns `[assets, periods]` without gaps; per period.
 */
import { type Matrix, multiplyTransposed } from "../../../../base/index.ts";
import { centreRows, mapMatrix, secondMoments } from "./centre.ts";

export interface Shrunk {
  readonly covariance: Matrix;
  /** Between 0, the sample alone, and 1, the target alone. */
  readonly intensity: number;
}

/**
 * Ledoit and Wolf (2004a), "A well-conditioned estimator for large-dimensional covariance matrices": towards the identity
 * times the mean variance. The values of scikit-learn's `ledoit_wolf`.
 */
export function ledoitWolfConstantVariance(returns: Matrix): Shrunk {
  const { rows: p, columns: n } = returns;
  const x = centreRows(returns);
  const sample = secondMoments(x, n);
  const mu = trace(sample) / p;
  const squares = sumOfSquares(sample.data);
  const fourth = sumOverTime(x, (sum) => sum * sum) / n; // Σ over all pairs of the mean of x_i² x_j²
  const beta = (fourth - squares) / n / p;
  const delta = (squares - 2 * mu * trace(sample) + p * mu * mu) / p;
  const intensity = delta === 0 ? 0 : Math.min(beta, delta) / delta;
  return { covariance: towardsMean(sample, mu, intensity), intensity };
}

/**
 * Oracle approximating shrinkage (Chen, Wiesel, Eldar and Hero 2010) towards the identity times the mean variance, for
 * Gaussian data. As scikit-learn's `oas`, which leaves out the paper's terms of order 2/p.
 */
export function oracleApproximating(returns: Matrix): Shrunk {
  const { rows: p, columns: n } = returns;
  const sample = secondMoments(centreRows(returns), n);
  const mu = trace(sample) / p;
  const alpha = sumOfSquares(sample.data) / (p * p);
  const denominator = (n + 1) * (alpha - (mu * mu) / p);
  const intensity = denominator <= 0 ? 1 : Math.min(1, (alpha + mu * mu) / denominator);
  return { covariance: towardsMean(sample, mu, intensity), intensity };
}

/**
 * Ledoit and Wolf (2003), "Improved estimation of the covariance matrix of stock returns with an application to portfolio
 * selection": towards Sharpe's single-factor model, whose market is the equally weighted mean of the assets.
 */
export function ledoitWolfSingleFactor(returns: Matrix): Shrunk {
  const { rows: p, columns: n } = returns;
  const x = centreRows(returns);
  const market = marketOf(x);
  const sample = secondMoments(x, n);
  const beta = new Float64Array(p); // covariances with the market
  for (let i = 0; i < p; i++) {
    let sum = 0;
    for (let t = 0; t < n; t++) sum += x.data[i * n + t] * market[t];
    beta[i] = sum / n;
  }
  const marketVariance = sumOfSquares(market) / n;
  const target = mapMatrix(sample, (value, i, j) => (i === j ? value : (beta[i] * beta[j]) / marketVariance));
  const withMarket = mapMatrix(x, (value, _, t) => value * market[t]);
  const squared = mapMatrix(x, (value) => value * value);
  const first = multiplyTransposed(squared, withMarket);
  const second = secondMoments(withMarket, n);
  let rhoFirst = 0;
  let rhoSecond = 0;
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      if (i === j) continue;
      const at = i * p + j;
      rhoFirst += (first.data[at] / n - beta[i] * sample.data[at]) * beta[j];
      rhoSecond += (second.data[at] - marketVariance * sample.data[at]) * beta[i] * beta[j];
    }
  }
  const diagonal = variancesOfVariances(squared, sample);
  const rho = diagonal + (2 * rhoFirst) / marketVariance - rhoSecond / marketVariance ** 2;
  return shrink(sample, target, x, rho);
}

/**
 * Ledoit and Wolf (2004b), "Honey, I shrunk the sample covariance matrix": towards the sample variances with the mean
 * correlation for every pair.
 *
 * @param sample the covariance that is shrunk; by default that of `returns` with divisor n
 */
export function ledoitWolfConstantCorrelation(returns: Matrix, sample?: Matrix): Shrunk {
  const { rows: p, columns: n } = returns;
  const x = centreRows(returns);
  const moments = secondMoments(x, n);
  const s = sample ?? moments;
  const deviations = Float64Array.from({ length: p }, (_, i) => Math.sqrt(s.data[i * p + i]));
  let total = 0;
  for (let i = 0; i < p; i++)
    for (let j = 0; j < i; j++) total += s.data[i * p + j] / (deviations[i] * deviations[j]);
  const meanCorrelation = p > 1 ? total / ((p * (p - 1)) / 2) : 0;
  const target = mapMatrix(s, (value, i, j) =>
    i === j ? value : meanCorrelation * deviations[i] * deviations[j],
  );
  const cubes = multiplyTransposed(
    mapMatrix(x, (value) => value ** 3),
    x,
  );
  let rho = 0;
  for (let i = 0; i < p; i++) {
    const own = moments.data[i * p + i];
    for (let j = 0; j < p; j++) {
      if (i === j) continue;
      const at = i * p + j;
      const variance = s.data[i * p + i];
      const theta =
        cubes.data[at] / n - own * s.data[at] - moments.data[at] * variance + variance * s.data[at];
      rho += (meanCorrelation * deviations[j] * theta) / deviations[i];
    }
  }
  const squared = mapMatrix(x, (value) => value * value);
  for (let i = 0; i < p; i++) rho += spread(squared, moments, s, i, i);
  return shrink(s, target, x, rho, moments);
}

/** The intensity `(π - ρ) / γ / n` of Ledoit and Wolf, kept within [0, 1], and what it makes of the sample. */
function shrink(sample: Matrix, target: Matrix, x: Matrix, rho: number, moments = sample): Shrunk {
  const { rows: p, columns: n } = x;
  let pi = sumOverTime(x, (sum) => sum * sum) / n;
  let gamma = 0;
  for (let k = 0; k < p * p; k++) {
    pi += sample.data[k] ** 2 - 2 * moments.data[k] * sample.data[k];
    gamma += (sample.data[k] - target.data[k]) ** 2;
  }
  const intensity = gamma === 0 ? 0 : Math.max(0, Math.min(1, (pi - rho) / gamma / n));
  const covariance = mapMatrix(sample, (value, i, j) => value + intensity * (target.data[i * p + j] - value));
  return { covariance, intensity };
}

function spread(squared: Matrix, moments: Matrix, sample: Matrix, i: number, j: number): number {
  const { rows: p, columns: n, data } = squared;
  let sum = 0;
  for (let t = 0; t < n; t++) sum += data[i * n + t] * data[j * n + t];
  const at = i * p + j;
  return sum / n - 2 * moments.data[at] * sample.data[at] + sample.data[at] ** 2;
}

function variancesOfVariances(squared: Matrix, sample: Matrix): number {
  let sum = 0;
  for (let i = 0; i < squared.rows; i++) sum += spread(squared, sample, sample, i, i);
  return sum;
}

function marketOf({ rows, columns, data }: Matrix): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let t = 0; t < columns; t++) out[t] += data[i * columns + t] / rows;
  return out;
}

/** Σ over time of a function of the sum of squares over the assets. */
function sumOverTime({ rows, columns, data }: Matrix, of: (sum: number) => number): number {
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let t = 0; t < columns; t++) sums[t] += data[i * columns + t] ** 2;
  return sums.reduce((total, sum) => total + of(sum), 0);
}

function towardsMean(sample: Matrix, mean: number, intensity: number): Matrix {
  return mapMatrix(sample, (value, i, j) => (1 - intensity) * value + (i === j ? intensity * mean : 0));
}

function trace(a: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += a.data[i * a.columns + i];
  return sum;
}

function sumOfSquares(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
