/**
 * Limits on shares of risk, `w[i] (Σ w)[i] <= limit × wᵀ Σ w`, which is no convex set: the left side is a difference of squares,
 *
 *   4 w[i] (Σ w)[i] = (p w)² - (m w)²,   p = s e + σ / s,   m = s e - σ / s,   σ the row of asset i, s any scale.
 *
 * What is concave, `(m w)² / 4 + limit × variance` on the right, is replaced by its tangent at given weights: the rest is a
 * second-order cone inside of the true set.
 */
import { dot, type Matrix, matrix, multiplyVector, rowOf } from "../../../base/index.ts";
import type { Cone } from "../solvers/program.ts";

export function riskShareCones(covariance: Matrix, limit: number, around: Float64Array): Cone[] {
  const n = covariance.rows;
  const marginal = multiplyVector(covariance, around);
  const variance = dot(around, marginal);
  return Array.from({ length: n }, (_, i) => {
    const row = rowOf(covariance, i);
    const scale = Math.sqrt(Math.max(covariance.data[i * n + i], 1e-300));
    const plus = row.map((value, j) => value / scale + (j === i ? scale : 0));
    const minus = row.map((value, j) => (j === i ? scale : 0) - value / scale);
    const at = dot(minus, around);
    // tangent(w) = slope w - constant, at least (p w)² / 4; all divided by the variance, so that numbers are of size 1
    const slope = minus.map((value, j) => (0.5 * at * value + 2 * limit * marginal[j]) / variance);
    const constant = (0.25 * at * at) / variance + limit;
    // (p w / sqrt(variance))² <= 4 tangent  as  |(p w, tangent - 1)| <= tangent + 1
    const rows = matrix(3, n);
    for (let j = 0; j < n; j++) {
      rows.data[j] = -slope[j];
      rows.data[n + j] = -plus[j] / Math.sqrt(variance);
      rows.data[2 * n + j] = -slope[j];
    }
    return { matrix: rows, offset: Float64Array.of(1 - constant, 0, -1 - constant) };
  });
}
