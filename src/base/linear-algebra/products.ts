import type { Values } from "../statistics/index.ts";
import { addRowProducts, type Rows } from "./kernel.ts";
import { type Matrix, matrix, sizes, transpose } from "./matrix.ts";

/**
 * The matrix product `a b`.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the inner sizes differ
 * @example
 * Array.from(multiply(matrixFrom([[1, 2]]), matrixFrom([[3], [4]])).data); // => [11]
 */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.rows) throw sizes("multiply", `${a.columns} rows on the right`, `${b.rows}`);
  return multiplyTransposed(a, transpose(b));
}

/** `a bᵀ`: the products of the rows of `a` with the rows of `b`. */
export function multiplyTransposed(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.columns) throw sizes("multiplyTransposed", `${a.columns} columns`, `${b.columns}`);
  const out = matrix(a.rows, b.rows);
  addRowProducts(rowsOf(out), rowsOf(a), rowsOf(b), a.columns, 1);
  return out;
}

/**
 * `a aᵀ`, symmetric to the last bit: half of the products, mirrored.
 *
 * @example
 * Array.from(gramOfRows(matrixFrom([[1, 2], [3, 4]])).data); // => [5, 11, 11, 25]
 */
export function gramOfRows(a: Matrix): Matrix {
  const out = matrix(a.rows, a.rows);
  addRowProducts(rowsOf(out), rowsOf(a), rowsOf(a), a.columns, 1, true);
  return mirrorLower(out);
}

/** Copies what lies below the diagonal to above it, in place. */
export function mirrorLower(a: Matrix): Matrix {
  const n = a.rows;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a.data[j * n + i] = a.data[i * n + j];
  return a;
}

/**
 * `a x` of a matrix `[rows, columns]` and a vector `[columns]`.
 *
 * @example
 * Array.from(multiplyVector(matrixFrom([[1, 2], [3, 4]]), [1, 1])); // => [3, 7]
 */
export function multiplyVector(a: Matrix, x: Values): Float64Array {
  if (x.length !== a.columns) throw sizes("multiplyVector", `${a.columns} values`, `${x.length}`);
  const { rows, columns, data } = a;
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const at = i * columns;
    let even = 0;
    let odd = 0;
    let j = 0;
    for (; j + 1 < columns; j += 2) {
      even += data[at + j] * x[j];
      odd += data[at + j + 1] * x[j + 1];
    }
    if (j < columns) even += data[at + j] * x[j];
    out[i] = even + odd;
  }
  return out;
}

/** `aᵀ x` of a matrix `[rows, columns]` and a vector `[rows]`, without a transpose being made. Zeros of `x` cost nothing. */
export function multiplyTransposedVector(a: Matrix, x: Values): Float64Array {
  if (x.length !== a.rows) throw sizes("multiplyTransposedVector", `${a.rows} values`, `${x.length}`);
  const { rows, columns, data } = a;
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const factor = x[i];
    if (factor === 0) continue;
    const at = i * columns;
    for (let j = 0; j < columns; j++) out[j] += factor * data[at + j];
  }
  return out;
}

/** The inner product of two vectors of one length. */
export function dot(x: Values, y: Values): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/**
 * `xᵀ a x` of a square matrix.
 *
 * @example
 * quadraticForm(matrixFrom([[2, 1], [1, 3]]), [1, 2]); // => 18
 */
export function quadraticForm(a: Matrix, x: Values): number {
  return dot(x, multiplyVector(a, x));
}

function rowsOf(a: Matrix): Rows {
  return { data: a.data, offset: 0, stride: a.columns, count: a.rows };
}
