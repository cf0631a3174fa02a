/** Means pulled towards a common value, because their errors are larger than their differences. Per period. */
import {
  choleskyFactor,
  choleskySolve,
  dot,
  type Matrix,
  PlatformError,
  symmetricEigen,
  type Values,
} from "../../../../base/index.ts";

export interface ShrunkMeans {
  readonly means: Float64Array;
  /** 0 keeps the sample means, 1 gives every asset the target. */
  readonly intensity: number;
  readonly target: number;
}

/**
 * James and Stein's estimator (1961) for correlated assets with unknown scale, as Jorion (1986) gives it: the means are pulled
 * towards their grand mean by `(N λ̄ - 2 λ_max) / n / |m - target|²`, kept within [0, 1].
 *
 * @param means `[assets]`
 * @param covariance `[assets, assets]` of the same returns
 * @param observations periods behind the means
 */
export function jamesSteinMeans(means: Values, covariance: Matrix, observations: number): ShrunkMeans {
  const n = means.length;
  const { values } = symmetricEigen(covariance);
  const target = grandMean(means);
  let distance = 0;
  for (let i = 0; i < n; i++) distance += (means[i] - target) ** 2;
  const numerator = (values.reduce((sum, value) => sum + value, 0) - 2 * values[n - 1]) / observations;
  return pulled(means, target, distance === 0 ? 1 : numerator / distance);
}

/**
 * The Bayes-Stein estimator: the target is the mean return of the minimum-variance portfolio, and the intensity
 * `(N + 2) / (N + 2 + n (m - target)ᵀ Σ⁻¹ (m - target))`.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the covariance cannot be inverted
 * @see Jorion (1986), "Bayes-Stein estimation for portfolio analysis"
 */
export function bayesSteinMeans(means: Values, covariance: Matrix, observations: number): ShrunkMeans {
  const n = means.length;
  const factor = choleskyFactor(covariance, 1e-12);
  if (!factor)
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      "bayes-stein: expected a covariance that can be inverted, received a singular one; choose a shrunk covariance",
      { field: "expectedReturns" },
    );
  const ones = new Float64Array(n).fill(1);
  const minimumVariance = choleskySolve(factor, ones);
  const target = dot(minimumVariance, means) / dot(minimumVariance, ones);
  const apart = Float64Array.from(means, (mean) => mean - target);
  const distance = observations * dot(apart, choleskySolve(factor, apart));
  return pulled(means, target, (n + 2) / (n + 2 + distance));
}

function pulled(means: Values, target: number, raw: number): ShrunkMeans {
  const intensity = Math.max(0, Math.min(1, raw));
  return {
    means: Float64Array.from(means, (mean) => (1 - intensity) * mean + intensity * target),
    intensity,
    target,
  };
}

function grandMean(values: Values): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
