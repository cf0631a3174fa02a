import {
  choleskyFactor,
  choleskySolve,
  type Matrix,
  matrix,
  multiply,
  multiplyTransposed,
  PlatformError,
  symmetricEigen,
} from "../../../../base/index.ts";
import { centreRows, secondMoments } from "./centre.ts";

export interface FactorModel {
  /** `B Ω Bᵀ + D`, per period. */
  readonly covariance: Matrix;
  /** Sensitivities `[assets, factors]`. */
  readonly loadings: Matrix;
  /** Ω, `[factors, factors]`, per period. */
  readonly factorCovariance: Matrix;
  /** The diagonal of D: what the factors do not explain, `[assets]`, per period. */
  readonly specificVariance: Float64Array;
}

/**
 * The covariance of a linear factor model with given factors: ordinary least squares of each asset on all factors and a
 * constant, residuals uncorrelated.
 *
 * @param returns `[assets, periods]` without gaps
 * @param factors `[factors, periods]` without gaps
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when periods do not exceed factors by two, `PORTFOLIO_OPTION_INVALID` when the
 *   factors are linearly dependent or cover other periods
 */
export function factorModel(returns: Matrix, factors: Matrix): FactorModel {
  const { rows: p, columns: n } = returns;
  const k = factors.rows;
  if (factors.columns !== n)
    throw option("factors", `expected ${n} periods as the returns have, received ${factors.columns}`);
  if (n < k + 2)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `factor model: expected at least ${k + 2} periods for ${k} factors, received ${n}`,
    );
  const f = centreRows(factors);
  const x = centreRows(returns);
  const factorCovariance = secondMoments(f, n - 1);
  const factor = choleskyFactor(factorCovariance, 1e-12);
  if (!factor)
    throw option("factors", "expected factors that are linearly independent, received dependent ones");
  const cross = multiplyTransposed(x, f);
  const loadings = matrix(p, k);
  for (let i = 0; i < p; i++) {
    const right = cross.data.slice(i * k, (i + 1) * k).map((value) => value / (n - 1));
    loadings.data.set(choleskySolve(factor, right), i * k);
  }
  const fitted = multiply(loadings, f);
  const specificVariance = Float64Array.from({ length: p }, (_, i) => {
    let sum = 0;
    for (let t = i * n; t < (i + 1) * n; t++) sum += (x.data[t] - fitted.data[t]) ** 2;
    return sum / (n - k - 1);
  });
  return { ...together(loadings, factorCovariance, specificVariance) };
}

/**
 * The covariance of a statistical factor model: the first principal components of the sample covariance, and a diagonal that
 * restores the assets' variances.
 *
 * @param covariance of the sample, per period
 * @param count of components
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when `count` is not between 1 and the number of assets
 */
export function principalFactorModel(covariance: Matrix, count: number): FactorModel {
  const p = covariance.rows;
  if (!Number.isInteger(count) || count < 1 || count > p)
    throw option("factorCount", `expected 1 to ${p}, received ${count}`);
  const { values, vectors } = symmetricEigen(covariance);
  const loadings = matrix(p, count);
  const factorCovariance = matrix(count, count);
  for (let k = 0; k < count; k++) {
    const from = p - 1 - k;
    factorCovariance.data[k * count + k] = Math.max(0, values[from]);
    for (let i = 0; i < p; i++) loadings.data[i * count + k] = vectors.data[from * p + i];
  }
  const specificVariance = Float64Array.from({ length: p }, (_, i) => {
    let explained = 0;
    for (let k = 0; k < count; k++)
      explained += factorCovariance.data[k * count + k] * loadings.data[i * count + k] ** 2;
    return Math.max(0, covariance.data[i * p + i] - explained);
  });
  return together(loadings, factorCovariance, specificVariance);
}

function together(loadings: Matrix, factorCovariance: Matrix, specificVariance: Float64Array): FactorModel {
  const covariance = multiplyTransposed(multiply(loadings, factorCovariance), loadings);
  const p = covariance.rows;
  for (let i = 0; i < p; i++) {
    covariance.data[i * p + i] += specificVariance[i];
    for (let j = 0; j < i; j++) covariance.data[j * p + i] = covariance.data[i * p + j];
  }
  return { covariance, loadings, factorCovariance, specificVariance };
}

function option(field: string, what: string): PlatformError {
  return new PlatformError("input", "PORTFOLIO_OPTION_INVALID", `${field}: ${what}`, { field });
}
