import type { Values } from "../statistics/index.ts";
import { type Matrix, matrix, sizes } from "./matrix.ts";

/** `a = L D Lᵀ`: L unit lower triangular, D diagonal with either sign. */
export interface LdlFactor {
  readonly lower: Matrix;
  readonly diagonal: Float64Array;
}

/**
 * The factors of a symmetric matrix without pivoting. They exist for every quasi-definite matrix, one whose leading block is
 * positive and whose trailing block is negative definite, as the systems of interior-point methods are (Vanderbei 1995).
 *
 * @param smallest the least size of a pivot; a smaller one is replaced by it with its sign, which refinement then repairs
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `a` is not square
 * @example
 * Array.from(ldlFactor(matrixFrom([[4, 2], [2, -1]])).diagonal); // => [4, -2]
 */
export function ldlFactor(a: Matrix, smallest = 1e-300): LdlFactor {
  if (a.rows !== a.columns) throw sizes("ldlFactor", "a square matrix", `${a.rows} x ${a.columns}`);
  const n = a.rows;
  const lower = matrix(n, n);
  const l = lower.data;
  const diagonal = new Float64Array(n);
  const scaled = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    // scaled[k] = L[i, k] D[k]
    for (let j = 0; j < i; j++) {
      const other = j * n;
      let sum = a.data[row + j];
      for (let k = 0; k < j; k++) sum -= scaled[k] * l[other + k];
      scaled[j] = sum;
    }
    let pivot = a.data[row + i];
    for (let j = 0; j < i; j++) {
      const value = scaled[j] / diagonal[j];
      l[row + j] = value;
      pivot -= value * scaled[j];
    }
    diagonal[i] = Math.abs(pivot) >= smallest ? pivot : pivot < 0 ? -smallest : smallest;
    l[row + i] = 1;
  }
  return { lower, diagonal };
}

/** The x of `L D Lᵀ x = b`. */
export function ldlSolve({ lower, diagonal }: LdlFactor, b: Values): Float64Array {
  const { rows: n, data: l } = lower;
  if (b.length !== n) throw sizes("ldlSolve", `${n} values`, `${b.length}`);
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    let sum = x[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * x[k];
    x[i] = sum;
  }
  for (let i = 0; i < n; i++) x[i] /= diagonal[i];
  for (let i = n - 1; i >= 0; i--) {
    const value = x[i];
    for (let k = 0; k < i; k++) x[k] -= l[i * n + k] * value;
  }
  return x;
}
