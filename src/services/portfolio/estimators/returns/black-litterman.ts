import {
  choleskyFactor,
  choleskySolve,
  type Matrix,
  matrix,
  matrixFrom,
  multiplyTransposed,
  multiplyVector,
  PlatformError,
  quadraticForm,
  type Values,
} from "../../../../base/index.ts";
import { type View, viewRows } from "./views.ts";

export interface BlackLitterman {
  readonly prior: Float64Array;
  /** Expected returns after the views, `[assets]`, annual. */
  readonly expectedReturns: Float64Array;
  /** Of the returns, with the uncertainty of their means that the views leave (He and Litterman 1999). */
  readonly covariance: Matrix;
  /** The variance of each view. */
  readonly viewVariances: Float64Array;
}

export interface BlackLittermanOptions {
  /** Expected returns before the views, annual; `equilibriumReturns` gives those that a market implies. */
  readonly prior: Values;
  readonly views: readonly View[];
  /** The uncertainty of the prior as a share of the covariance. */
  readonly tau?: number;
}

/**
 * Expected returns that join a prior with views: the posterior mean `Π + τ Σ Pᵀ (τ P Σ Pᵀ + Ω)⁻¹ (Q - P Π)`. A view without a
 * confidence has the variance `τ p Σ pᵀ` (He and Litterman 1999); one with a confidence c has `(1 - c) / c` times that
 * (Idzorek 2005, in the closed form of Walters 2014), so that 50% is the same as none and 100% is met exactly.
 *
 * @param covariance annual, `[assets, assets]`
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when a view is not finite, names an unknown asset, or contradicts another that
 *   is just as certain
 * @see Black and Litterman (1992), "Global portfolio optimization"
 */
export function blackLitterman(
  assets: readonly string[],
  covariance: Matrix,
  { prior, views, tau = 0.05 }: BlackLittermanOptions,
): BlackLitterman {
  if (!(tau > 0))
    throw new PlatformError("input", "PORTFOLIO_OPTION_INVALID", `tau: expected above 0, received ${tau}`, {
      field: "tau",
    });
  const before = Float64Array.from(prior);
  const n = assets.length;
  if (views.length === 0)
    return {
      prior: before,
      expectedReturns: before,
      covariance: plus(covariance, covariance, tau),
      viewVariances: new Float64Array(0),
    };
  const { rows, values } = viewRows(views, assets);
  for (const { confidence = 0.5 } of views)
    if (!(confidence > 0 && confidence <= 1))
      throw new PlatformError(
        "input",
        "PORTFOLIO_VIEW_INVALID",
        `view confidence: expected above 0 and at most 1, received ${confidence}`,
        { field: "views" },
      );
  const p = matrixFrom(rows);
  const sp = multiplyTransposed(p, covariance); // P Σ, [views, assets]
  const viewVariances = Float64Array.from(views, ({ confidence = 0.5 }, k) => {
    return ((tau * (1 - confidence)) / confidence) * quadraticForm(covariance, rows[k]);
  });
  const inner = multiplyTransposed(p, sp);
  for (let k = 0; k < inner.data.length; k++) inner.data[k] *= tau;
  for (let k = 0; k < views.length; k++) inner.data[k * views.length + k] += viewVariances[k];
  const factor = choleskyFactor(inner, 1e-12);
  if (!factor)
    throw new PlatformError(
      "input",
      "PORTFOLIO_VIEW_INVALID",
      "views: expected views that do not say the same thing twice with full confidence, received dependent ones",
      { field: "views" },
    );
  const implied = multiplyVector(p, before);
  const surprise = choleskySolve(
    factor,
    values.map((value, k) => value - implied[k]),
  );
  const expectedReturns = before.map((value, i) => {
    let shift = 0;
    for (let k = 0; k < views.length; k++) shift += sp.data[k * n + i] * surprise[k];
    return value + tau * shift;
  });
  // Uncertainty of the mean: τΣ - τΣPᵀ (…)⁻¹ PτΣ
  const uncertain = matrix(
    n,
    n,
    covariance.data.map((value) => value * tau),
  );
  for (let j = 0; j < n; j++) {
    const solved = choleskySolve(
      factor,
      Float64Array.from({ length: views.length }, (_, k) => sp.data[k * n + j]),
    );
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k < views.length; k++) sum += sp.data[k * n + i] * solved[k];
      uncertain.data[i * n + j] -= tau * tau * sum;
    }
  }
  return { prior: before, expectedReturns, covariance: plus(covariance, uncertain, 1), viewVariances };
}

/**
 * The expected returns under which holding the market is optimal: `rf + risk aversion × Σ w`.
 *
 * @param marketWeights `[assets]`, adding up to one; shares of market capitalisation
 * @param riskAversion the market's excess return over its variance; 2.5 is Black and Litterman's
 */
export function equilibriumReturns(
  covariance: Matrix,
  marketWeights: Values,
  riskAversion = 2.5,
  riskFree = 0,
): Float64Array {
  return multiplyVector(covariance, marketWeights).map((value) => riskFree + riskAversion * value);
}

function plus(a: Matrix, b: Matrix, factor: number): Matrix {
  return matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => value + factor * b.data[k]),
  );
}
