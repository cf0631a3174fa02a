import { invariant } from "../errors.ts";
import { type Matrix, matrix, sizes } from "./matrix.ts";

/** Eigenvalues in ascending order, and their eigenvectors as ROWS: `a vectors[i] = values[i] vectors[i]`. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/**
 * The eigenvalues and orthonormal eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL
 * (Golub and Van Loan 2013, sections 8.3.1 and 8.3.3; EISPACK's tred2 and tql2). Vectors are kept as rows, so that every
 * rotation runs over two contiguous rows. The first component of a vector that is not small is positive.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `a` is not square or holds something that is not finite
 * @example
 * Array.from(symmetricEigen(matrixFrom([[2, 1], [1, 2]])).values); // => [1, 3]
 */
export function symmetricEigen(a: Matrix): Eigen {
  const n = a.rows;
  if (n !== a.columns) throw sizes("symmetricEigen", "a square matrix", `${n} x ${a.columns}`);
  const bad = a.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw sizes("symmetricEigen", "finite values", `${a.data[bad]}`);
  const { vectors, diagonal, beside } = tridiagonal(a);
  implicitQl(diagonal, beside, vectors, n);
  return sorted(diagonal, vectors, n);
}

/** `a = Qᵀ T Q` with T tridiagonal; `vectors` holds Q, whose rows become the eigenvectors. */
function tridiagonal(a: Matrix) {
  const n = a.rows;
  const work = Float64Array.from(a.data);
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n); // beside[i] couples i and i + 1
  const reflectors: { readonly v: Float64Array; readonly start: number }[] = [];
  for (let k = 0; k < n - 2; k++) {
    const size = n - k - 1;
    const v = new Float64Array(size);
    let scale = 0;
    for (let i = 0; i < size; i++) {
      v[i] = work[(k + 1 + i) * n + k];
      scale = Math.max(scale, Math.abs(v[i]));
    }
    let tail = 0;
    for (let i = 1; i < size; i++) tail += (v[i] / (scale || 1)) ** 2;
    // What is too small to be divided by couples nothing.
    if (tail === 0 || scale < 1e-290) {
      beside[k] = scale < 1e-290 ? 0 : v[0];
      continue;
    }
    const length = scale * Math.sqrt((v[0] / scale) ** 2 + tail);
    const alpha = v[0] > 0 ? -length : length;
    v[0] -= alpha;
    let norm = 0;
    for (let i = 0; i < size; i++) norm += (v[i] / scale) ** 2;
    const factor = 1 / (scale * Math.sqrt(norm));
    for (let i = 0; i < size; i++) v[i] *= factor; // unit length: the reflection is I - 2 v vᵀ
    beside[k] = alpha;
    reflectors.push({ v, start: k + 1 });
    // Lower half of the trailing block: A -= 2 (v pᵀ + p vᵀ) with p = A v - (vᵀ A v) v.
    const p = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const row = (k + 1 + i) * n + k + 1;
      const vi = v[i];
      let sum = 0;
      for (let j = 0; j < i; j++) {
        const value = work[row + j];
        sum += value * v[j];
        p[j] += value * vi;
      }
      p[i] += sum + work[row + i] * vi;
    }
    let inner = 0;
    for (let i = 0; i < size; i++) inner += p[i] * v[i];
    for (let i = 0; i < size; i++) p[i] = 2 * (p[i] - inner * v[i]);
    for (let i = 0; i < size; i++) {
      const row = (k + 1 + i) * n + k + 1;
      const vi = v[i];
      const pi = p[i];
      for (let j = 0; j <= i; j++) work[row + j] -= vi * p[j] + pi * v[j];
    }
  }
  if (n > 1) beside[n - 2] = work[(n - 1) * n + n - 2];
  for (let i = 0; i < n; i++) diagonal[i] = work[i * n + i];
  return { vectors: accumulate(reflectors, n), diagonal, beside };
}

/** The product of the reflections, transposed: row j holds what becomes eigenvector j. */
function accumulate(reflectors: readonly { v: Float64Array; start: number }[], n: number): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let r = reflectors.length - 1; r >= 0; r--) {
    const { v, start } = reflectors[r];
    for (let i = start; i < n; i++) {
      const row = i * n + start;
      let inner = 0;
      for (let j = 0; j < v.length; j++) inner += q[row + j] * v[j];
      inner *= 2;
      if (inner !== 0) for (let j = 0; j < v.length; j++) q[row + j] -= inner * v[j];
    }
  }
  return q;
}

function implicitQl(d: Float64Array, e: Float64Array, vectors: Float64Array, n: number): void {
  for (let l = 0; l < n; l++) {
    for (let iteration = 0; ; iteration++) {
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(d[m]) + Math.abs(d[m + 1]);
        if (Math.abs(e[m]) <= Number.EPSILON * size || Math.abs(e[m]) < 1e-300) break;
      }
      if (m === l) break;
      invariant(iteration < 100, "the QL iteration converges");
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate(vectors, i * n, (i + 1) * n, n, c, s);
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

function rotate(z: Float64Array, upper: number, lower: number, n: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const f = z[lower + k];
    const g = z[upper + k];
    z[lower + k] = s * g + c * f;
    z[upper + k] = c * g - s * f;
  }
}

function sorted(d: Float64Array, z: Float64Array, n: number): Eigen {
  const order = Array.from(d.keys()).sort((i, j) => d[i] - d[j]);
  const vectors = matrix(n, n);
  order.forEach((from, to) => {
    const row = z.subarray(from * n, (from + 1) * n);
    const first = row.find((value) => Math.abs(value) > 1e-8) ?? 1;
    for (let k = 0; k < n; k++) vectors.data[to * n + k] = first < 0 ? -row[k] : row[k];
  });
  return { values: Float64Array.from(order, (i) => d[i]), vectors };
}
