/** Volatility and tracking error as a cone: a ball in the metric of a covariance. */
import {
  choleskyFactor,
  type Matrix,
  matrix,
  multiplyVector,
  rowOf,
  symmetricEigen,
  transpose,
} from "../../../base/index.ts";
import type { Cone } from "../solvers/program.ts";

/** `rowsᵀ rows = a`: Cholesky's factor, or the roots of the eigenvalues where a is only semi-definite. */
export function squareRoot(a: Matrix): Matrix {
  const lower = choleskyFactor(a, 1e-12);
  if (lower !== null) return transpose(lower);
  const { values, vectors } = symmetricEigen(a);
  for (let i = 0; i < a.rows; i++) {
    const root = Math.sqrt(Math.max(0, values[i]));
    const row = rowOf(vectors, i);
    for (let j = 0; j < row.length; j++) row[j] *= root;
  }
  return vectors;
}

/** `|root (x - centre)| <= radius` over the first variables. */
export function ballCone(root: Matrix, centre: Float64Array | null, radius: number, size: number): Cone {
  const rows = matrix(root.rows + 1, size);
  const offset = new Float64Array(root.rows + 1);
  offset[0] = radius;
  if (centre !== null)
    offset.set(
      multiplyVector(root, centre).map((value) => -value),
      1,
    );
  for (let i = 0; i < root.rows; i++)
    for (let j = 0; j < root.columns; j++) rows.data[(i + 1) * size + j] = -root.data[i * root.columns + j];
  return { matrix: rows, offset };
}
