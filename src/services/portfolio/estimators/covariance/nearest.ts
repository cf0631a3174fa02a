import { invariant, type Matrix, matrix, symmetricEigen } from "../../../../base/index.ts";
import { correlationOf, covarianceOf, deviationsOf, fromEigen, mapMatrix } from "./centre.ts";

export interface Repaired {
  readonly covariance: Matrix;
  /** Frobenius norm of the change of the correlation over the norm of the correlation; 0 when nothing had to change. */
  readonly moved: number;
  /** The largest change of one correlation. */
  readonly largestChange: number;
  /** The smallest eigenvalue of the correlation before. */
  readonly smallestEigenvalue: number;
  readonly iterations: number;
}

/**
 * The covariance whose correlation is the nearest in Frobenius norm with no eigenvalue below `smallest`; variances stay as
 * they are. Alternating projections with Dykstra's correction (Higham 2002, "Computing the nearest correlation matrix").
 *
 * @param smallest eigenvalue of the correlation that the answer has at least; 1e-8 can be factored in double precision
 */
export function nearestPositiveDefinite(covariance: Matrix, smallest = 1e-8): Repaired {
  const correlation = correlationOf(covariance);
  const { values } = symmetricEigen(correlation);
  const smallestEigenvalue = values[0];
  if (smallestEigenvalue >= smallest * (1 - 1e-6))
    return { covariance, moved: 0, largestChange: 0, smallestEigenvalue, iterations: 0 };
  const n = correlation.rows;
  let y = correlation;
  let correction = matrix(n, n);
  for (let iterations = 1; iterations <= 500; iterations++) {
    const r = mapMatrix(y, (value, i, j) => value - correction.data[i * n + j]);
    const eigen = symmetricEigen(r);
    const x = fromEigen(
      eigen.vectors,
      eigen.values.map((value) => Math.max(value, smallest)),
    );
    correction = mapMatrix(x, (value, i, j) => value - r.data[i * n + j]);
    const next = mapMatrix(x, (value, i, j) => (i === j ? 1 : value));
    const step = distance(next, y) / norm(next);
    y = next;
    if (step < 1e-9 || iterations === 500) {
      // Scaling the positive definite iterate to a unit diagonal keeps it so; close to the end it changes next to nothing.
      const answer = correlationOf(x);
      invariant(answer.data.every(Number.isFinite), "a repaired correlation is finite");
      return {
        covariance: covarianceOf(answer, deviationsOf(covariance)),
        moved: distance(answer, correlation) / norm(correlation),
        largestChange: answer.data.reduce(
          (most, value, k) => Math.max(most, Math.abs(value - correlation.data[k])),
          0,
        ),
        smallestEigenvalue,
        iterations,
      };
    }
  }
  throw new Error("unreachable");
}

function distance(a: Matrix, b: Matrix): number {
  return Math.sqrt(a.data.reduce((sum, value, k) => sum + (value - b.data[k]) ** 2, 0));
}

function norm(a: Matrix): number {
  return Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
}
