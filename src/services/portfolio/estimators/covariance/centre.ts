/** What the covariance estimators share: rows without their means, products over time, correlations. */
import { gramOfRows, type Matrix, matrix } from "../../../../base/index.ts";

/** The rows minus their means; `[assets, periods]`. */
export function centreRows({ rows, columns, data }: Matrix): Matrix {
  const out = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    const at = i * columns;
    let sum = 0;
    for (let t = 0; t < columns; t++) sum += data[at + t];
    const mean = sum / columns;
    for (let t = 0; t < columns; t++) out.data[at + t] = data[at + t] - mean;
  }
  return out;
}

/** `x xᵀ / divisor` of rows. */
export function secondMoments(x: Matrix, divisor: number): Matrix {
  const out = gramOfRows(x);
  for (let i = 0; i < out.data.length; i++) out.data[i] /= divisor;
  return out;
}

/** Every element changed by `change`. */
export function mapMatrix(a: Matrix, change: (value: number, i: number, j: number) => number): Matrix {
  const out = matrix(a.rows, a.columns);
  for (let i = 0, k = 0; i < a.rows; i++)
    for (let j = 0; j < a.columns; j++, k++) out.data[k] = change(a.data[k], i, j);
  return out;
}

/**
 * The correlations of a covariance, ones on the diagonal.
 *
 * @example
 * Array.from(correlationOf(matrixFrom([[4, 3], [3, 9]])).data); // => [1, 0.5, 0.5, 1]
 */
export function correlationOf(covariance: Matrix): Matrix {
  const deviations = deviationsOf(covariance);
  return mapMatrix(covariance, (value, i, j) =>
    i === j ? 1 : Math.max(-1, Math.min(1, value / (deviations[i] * deviations[j]))),
  );
}

/** The square roots of the diagonal. */
export function deviationsOf(covariance: Matrix): Float64Array {
  return Float64Array.from({ length: covariance.rows }, (_, i) =>
    Math.sqrt(covariance.data[i * covariance.columns + i]),
  );
}

/** The covariance of these correlations and standard deviations. */
export function covarianceOf(correlation: Matrix, deviations: Float64Array): Matrix {
  return mapMatrix(correlation, (value, i, j) => value * deviations[i] * deviations[j]);
}

/** `Qᵀ diag(values) Q` of eigenvectors in rows. */
export function fromEigen(vectors: Matrix, values: Float64Array): Matrix {
  const scaled = matrix(vectors.columns, vectors.rows);
  const n = vectors.columns;
  for (let k = 0; k < vectors.rows; k++) {
    const root = Math.sqrt(Math.max(0, values[k]));
    for (let i = 0; i < n; i++) scaled.data[i * vectors.rows + k] = vectors.data[k * n + i] * root;
  }
  return gramOfRows(scaled);
}

/** A matrix whose missing values (NaN) are replaced by zeros. */
export function zeroWhereMissing({ rows, columns, data }: Matrix): Matrix {
  return matrix(
    rows,
    columns,
    data.map((value) => (Number.isNaN(value) ? 0 : value)),
  );
}
