import { type Matrix, multiplyVector } from "../../../base/index.ts";

export interface RiskAttribution {
  /** Annual volatility, or tracking error when the weights are differences to a benchmark. */
  readonly risk: number;
  /** Of each asset, `w_i (Σ w)_i / risk`: they add up to the risk (Euler). */
  readonly contributions: Float64Array;
}

/**
 * What each position adds to the volatility of a portfolio. Positions that lower it have a negative share.
 *
 * @param covariance annual, `[assets, assets]`
 * @example
 * riskAttribution(matrixFrom([[0.04, 0], [0, 0.09]]), [0.6, 0.4]).risk; // => 0.16970562748477142
 */
export function riskAttribution(covariance: Matrix, weights: ArrayLike<number>): RiskAttribution {
  const marginal = multiplyVector(covariance, weights);
  let variance = 0;
  for (let i = 0; i < marginal.length; i++) variance += weights[i] * marginal[i];
  const risk = Math.sqrt(Math.max(0, variance));
  return { risk, contributions: marginal.map((value, i) => (risk === 0 ? 0 : (weights[i] * value) / risk)) };
}
