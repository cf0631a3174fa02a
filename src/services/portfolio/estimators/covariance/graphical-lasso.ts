import {
  choleskyFactor,
  choleskyInverse,
  type Matrix,
  matrix,
  PlatformError,
} from "../../../../base/index.ts";
import { correlationOf, covarianceOf, deviationsOf, mapMatrix } from "./centre.ts";

export interface GraphicalLasso {
  /** Per period, in the unit of the sample. */
  readonly covariance: Matrix;
  /** Of the correlation: zeros where two assets are independent given all others. */
  readonly precision: Matrix;
  /** Primal minus dual objective at the answer, on the correlation. */
  readonly gap: number;
  readonly iterations: number;
}

/**
 * The graphical lasso: the inverse correlation `Θ` that minimises `tr(S Θ) - log det Θ + penalty Σ_{i≠j} |Θ_ij|`, by blocks
 * of coordinate descent. It works on the correlation, so that the penalty has no unit; the diagonal is not penalised, as in
 * scikit-learn's `graphical_lasso`. The certificate is the duality gap.
 *
 * @param covariance of the sample, at least positive semi-definite
 * @param penalty inside (0, 1]; at the largest correlation and above all assets are independent
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the penalty is not inside (0, 1], `PORTFOLIO_NOT_SOLVED` when the gap
 *   does not reach the tolerance
 * @see Friedman, Hastie and Tibshirani (2008), "Sparse inverse covariance estimation with the graphical lasso"
 */
export function graphicalLasso(covariance: Matrix, penalty: number, tolerance = 1e-7): GraphicalLasso {
  if (!(penalty > 0 && penalty <= 1))
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `graphical lasso penalty: expected above 0 and at most 1, received ${penalty}`,
      { field: "penalty" },
    );
  const p = covariance.rows;
  const sample = correlationOf(covariance);
  // Off-diagonals a little smaller make the start positive definite, as scikit-learn's does.
  const w = mapMatrix(sample, (value, i, j) => (i === j ? value : 0.95 * value));
  const beta = matrix(p, p);
  let gap = Number.POSITIVE_INFINITY;
  for (let iterations = 1; iterations <= 500; iterations++) {
    for (let j = 0; j < p; j++) solveColumn(w, sample, beta, j, penalty, p);
    const precision = precisionOf(w, beta, p);
    gap = dualityGap(sample, precision, penalty);
    if (Math.abs(gap) <= tolerance)
      return { covariance: covarianceOf(w, deviationsOf(covariance)), precision, gap, iterations };
  }
  throw new PlatformError(
    "conflict",
    "PORTFOLIO_NOT_SOLVED",
    `graphical lasso: expected a duality gap of at most ${tolerance}, reached ${gap}; a larger penalty is easier`,
  );
}

/** One lasso regression of asset `j` on the others, by coordinate descent to a fixed point; writes row and column of `w`. */
function solveColumn(w: Matrix, sample: Matrix, beta: Matrix, j: number, penalty: number, p: number): void {
  const b = beta.data;
  const v = w.data;
  const product = new Float64Array(p); // W11 b
  for (let k = 0; k < p; k++) {
    const value = b[j * p + k];
    if (k === j || value === 0) continue;
    for (let i = 0; i < p; i++) product[i] += v[k * p + i] * value;
  }
  for (let sweep = 0; sweep < 1000; sweep++) {
    let moved = 0;
    for (let k = 0; k < p; k++) {
      if (k === j) continue;
      const diagonal = v[k * p + k];
      const old = b[j * p + k];
      const rest = sample.data[j * p + k] - (product[k] - diagonal * old);
      const next = (Math.sign(rest) * Math.max(0, Math.abs(rest) - penalty)) / diagonal;
      const change = next - old;
      if (change === 0) continue;
      b[j * p + k] = next;
      for (let i = 0; i < p; i++) product[i] += v[k * p + i] * change;
      moved = Math.max(moved, Math.abs(change));
    }
    if (moved < 1e-12) break;
  }
  for (let i = 0; i < p; i++) {
    if (i === j) continue;
    v[j * p + i] = product[i];
    v[i * p + j] = product[i];
  }
}

/** The inverse of `w`, read off the regressions. */
function precisionOf(w: Matrix, beta: Matrix, p: number): Matrix {
  const out = matrix(p, p);
  for (let j = 0; j < p; j++) {
    let explained = 0;
    for (let k = 0; k < p; k++) if (k !== j) explained += beta.data[j * p + k] * w.data[j * p + k];
    const own = 1 / (w.data[j * p + j] - explained);
    out.data[j * p + j] = own;
    for (let k = 0; k < p; k++) if (k !== j) out.data[j * p + k] = -beta.data[j * p + k] * own;
  }
  return mapMatrix(out, (value, i, j) =>
    value === 0 || out.data[j * p + i] === 0 ? 0 : (value + out.data[j * p + i]) / 2,
  );
}

/**
 * Primal minus dual, both from the same precision: its inverse, clipped to within the penalty of the sample, is feasible for
 * the dual `max log det W + p` over `|W_ij - S_ij| <= penalty`, `W_ii = S_ii`.
 */
function dualityGap(sample: Matrix, precision: Matrix, penalty: number): number {
  const p = sample.rows;
  const factor = choleskyFactor(precision);
  if (!factor) return Number.POSITIVE_INFINITY;
  let primal = -logDeterminant(factor);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      const at = i * p + j;
      primal += sample.data[at] * precision.data[at];
      if (i !== j) primal += penalty * Math.abs(precision.data[at]);
    }
  }
  const inverse = choleskyInverse(factor);
  const feasible = choleskyFactor(
    mapMatrix(inverse, (value, i, j) => {
      const centre = sample.data[i * p + j];
      return i === j ? centre : Math.max(centre - penalty, Math.min(centre + penalty, value));
    }),
  );
  return feasible ? primal - (logDeterminant(feasible) + p) : Number.POSITIVE_INFINITY;
}

function logDeterminant(factor: Matrix): number {
  let sum = 0;
  for (let i = 0; i < factor.rows; i++) sum += 2 * Math.log(factor.data[i * factor.columns + i]);
  return sum;
}
