/**
 * The system that a quadratic program with equalities alone leads to,
 *
 *   H x + Aᵀ y = r1,   A x = r2,
 *
 * by the Schur complement of H (Benzi, Golub and Liesen 2005, "Numerical solution of saddle point problems", section 5). As A x
 * is known, `p Aᵀ A` can be added to H without a change but that directions become positive which only equalities hold.
 */
import {
  choleskyFactor,
  choleskySolve,
  dot,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
  rowOf,
} from "../../../base/index.ts";

export interface SaddlePoint {
  readonly equalities: Matrix;
  readonly penalty: number;
  /** Cholesky's factor of H, penalty and ridge included. */
  readonly lower: Matrix;
  /** `H⁻¹ Aᵀ`, row by row of A. */
  readonly solved: Matrix;
  /** Cholesky's factor of `A H⁻¹ Aᵀ`. */
  readonly schurLower: Matrix;
}

/**
 * The system, factored; null when it is not positive definite.
 *
 * @param h `[x, x]`; it is overwritten
 * @param equalities A, `[y, x]`
 */
export function saddlePoint(h: Matrix, equalities: Matrix): SaddlePoint | null {
  const { data, rows: size } = h;
  const { rows: count } = equalities;
  let trace = 0;
  for (let j = 0; j < size; j++) trace += data[j * size + j] / size;
  const penalty = Math.max(1e-6, Math.min(trace, 1));
  for (let i = 0; i < count; i++) {
    const row = rowOf(equalities, i);
    for (let j = 0; j < size; j++) {
      if (row[j] === 0) continue;
      for (let k = 0; k < size; k++) data[j * size + k] += penalty * row[j] * row[k];
    }
  }
  let lower: Matrix | null = null;
  for (let ridge = 1e-14; lower === null && ridge < 1e-4; ridge *= 100) {
    for (let j = 0; j < size; j++) data[j * size + j] += ridge * Math.max(data[j * size + j], 1e-3);
    lower = choleskyFactor(h);
  }
  if (lower === null) return null;
  const solved = matrix(count, size);
  for (let i = 0; i < count; i++) rowOf(solved, i).set(choleskySolve(lower, rowOf(equalities, i)));
  const schur = matrix(count, count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) schur.data[i * count + j] = dot(rowOf(solved, i), rowOf(equalities, j));
  for (let i = 0; i < count; i++) schur.data[i * count + i] *= 1 + 1e-14;
  const schurLower = count > 0 ? choleskyFactor(schur) : schur;
  return schurLower && { equalities, penalty, lower, solved, schurLower };
}

export function solveSaddlePoint(
  { equalities, penalty, lower, solved, schurLower }: SaddlePoint,
  r1: Float64Array,
  r2: Float64Array,
): { x: Float64Array; y: Float64Array } {
  const right = multiplyTransposedVector(equalities, r2);
  for (let j = 0; j < right.length; j++) right[j] = r1[j] + penalty * right[j];
  const x = choleskySolve(lower, right);
  if (r2.length === 0) return { x, y: new Float64Array(0) };
  const excess = multiplyVector(equalities, x);
  for (let i = 0; i < excess.length; i++) excess[i] -= r2[i];
  const y = choleskySolve(schurLower, excess);
  for (let i = 0; i < y.length; i++) {
    const row = rowOf(solved, i);
    for (let j = 0; j < x.length; j++) x[j] -= y[i] * row[j];
  }
  return { x, y };
}
