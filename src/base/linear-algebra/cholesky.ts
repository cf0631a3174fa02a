import type { Values } from "../statistics/index.ts";
import { addRowProducts } from "./kernel.ts";
import { type Matrix, matrix, sizes } from "./matrix.ts";

const block = 32;

/**
 * The lower triangular L with `L Lᵀ = a`, zeros above the diagonal: Cholesky's factor, by blocks (Golub and Van Loan 2013,
 * section 4.2.9). Only the lower half of `a` is read.
 *
 * @param tolerance a pivot at or below this share of its diagonal element counts as zero
 * @returns null when `a` is not positive definite to that tolerance
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `a` is not square
 * @example
 * Array.from(choleskyFactor(matrixFrom([[4, 2], [2, 5]]))?.data ?? []); // => [2, 0, 1, 2]
 */
export function choleskyFactor(a: Matrix, tolerance = 0): Matrix | null {
  if (a.rows !== a.columns) throw sizes("choleskyFactor", "a square matrix", `${a.rows} x ${a.columns}`);
  const n = a.rows;
  const out = matrix(n, n);
  const l = out.data;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) l[i * n + j] = a.data[i * n + j];
  for (let j0 = 0; j0 < n; j0 += block) {
    const j1 = Math.min(n, j0 + block);
    if (j0 > 0) {
      // What the finished columns contribute to this block of columns, all rows at once.
      const rows = { data: l, offset: j0 * n, stride: n, count: n - j0 };
      addRowProducts({ ...rows, offset: j0 * n + j0 }, rows, { ...rows, count: j1 - j0 }, j0, -1, true);
    }
    for (let i = j0; i < n; i++) {
      const last = Math.min(i, j1 - 1);
      for (let j = j0; j <= last; j++) {
        let sum = l[i * n + j];
        for (let k = j0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
        if (i === j) {
          if (!(sum > tolerance * Math.abs(a.data[i * n + i])) || !(sum > 0)) return null;
          l[i * n + i] = Math.sqrt(sum);
        } else l[i * n + j] = sum / l[j * n + j];
      }
    }
    // Tiles that the diagonal cuts were computed whole.
    for (let i = j0; i < j1; i++) for (let j = i + 1; j < Math.min(n, j1 + 4); j++) l[i * n + j] = 0;
  }
  return out;
}

/**
 * The x of `L Lᵀ x = b`.
 *
 * @param b `[n]`
 * @example
 * Array.from(choleskySolve(matrixFrom([[2, 0], [1, 2]]), [8, 12])); // => [1, 2]
 */
export function choleskySolve(lower: Matrix, b: Values): Float64Array {
  return solveLowerTransposed(lower, solveLower(lower, b));
}

/** The x of `L x = b` with L lower triangular. */
export function solveLower(lower: Matrix, b: Values): Float64Array {
  const { rows: n, data: l } = lower;
  if (b.length !== n) throw sizes("solveLower", `${n} values`, `${b.length}`);
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    let sum = x[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * x[k];
    x[i] = sum / l[i * n + i];
  }
  return x;
}

/** The x of `Lᵀ x = b` with L lower triangular. */
export function solveLowerTransposed(lower: Matrix, b: Values): Float64Array {
  const { rows: n, data: l } = lower;
  if (b.length !== n) throw sizes("solveLowerTransposed", `${n} values`, `${b.length}`);
  const x = Float64Array.from(b);
  for (let i = n - 1; i >= 0; i--) {
    const value = x[i] / l[i * n + i];
    x[i] = value;
    for (let k = 0; k < i; k++) x[k] -= l[i * n + k] * value;
  }
  return x;
}

/** The inverse of the matrix whose Cholesky factor is given. */
export function choleskyInverse(lower: Matrix): Matrix {
  const n = lower.rows;
  const out = matrix(n, n);
  const unit = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    unit.fill(0);
    unit[j] = 1;
    const column = choleskySolve(lower, unit);
    for (let i = 0; i < n; i++) out.data[i * n + j] = column[i];
  }
  return out;
}

/**
 * Turns the factor of `a` into that of `a + sign v vᵀ`, in place and in n² steps (Golub and Van Loan 2013, section 6.5.4).
 *
 * @param sign 1 adds, which always works; -1 takes away
 * @returns false when taking away leaves nothing positive definite; the factor is then of no use
 */
export function choleskyUpdate(lower: Matrix, v: Values, sign: 1 | -1 = 1): boolean {
  const { rows: n, data: l } = lower;
  if (v.length !== n) throw sizes("choleskyUpdate", `${n} values`, `${v.length}`);
  const w = Float64Array.from(v);
  for (let k = 0; k < n; k++) {
    const old = l[k * n + k];
    const square = old * old + sign * w[k] * w[k];
    if (!(square > 0)) return false;
    const next = Math.sqrt(square);
    const cosine = next / old;
    const sine = w[k] / old;
    l[k * n + k] = next;
    for (let i = k + 1; i < n; i++) {
      const value = (l[i * n + k] + sign * sine * w[i]) / cosine;
      w[i] = cosine * w[i] - sine * value;
      l[i * n + k] = value;
    }
  }
  return true;
}
