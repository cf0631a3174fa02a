/**
 * A primal active-set method for `xᵀ P x / 2 + q x` under one equation and bounds: minimum variance, utility, and
 * ratios in their homogeneous form. Only the variables between their bounds take part in a factor, which grows and shrinks with
 * them, so that 500 assets of which 50 are held cost little more than 50. The answer is exact: its multipliers are its proof
 * (Best 2017, "Quadratic Programming with Computer Programs", chapter 5; with one equation it walks as Markowitz's critical
 * line does).
 */
import {
  choleskyFactor,
  choleskySolve,
  dot,
  type Matrix,
  multiplyTransposedVector,
  submatrix,
} from "../../../base/index.ts";
import type { ProgramSolution } from "./program.ts";

export interface BoundedQuadratic {
  /** Positive definite, `[size, size]`. */
  readonly quadratic: Matrix;
  readonly linear: Float64Array;
  readonly equation: Float64Array;
  /** Finite. */
  readonly lower: Float64Array;
  /** May be infinite. */
  readonly upper: Float64Array;
}

const method = "primal active set";
const tolerance = 1e-9;

/**
 * @param start a point that keeps the equation and the bounds
 * @returns null where the quadratic form is not positive definite on what is free, or the walk takes too many steps: the
 *   interior-point method then answers
 */
export function solveBounded(problem: BoundedQuadratic, start: Float64Array): ProgramSolution | null {
  const { quadratic, linear, equation, lower, upper } = problem;
  const n = linear.length;
  const x = Float64Array.from(start);
  const free: number[] = [];
  for (let i = 0; i < n; i++) if (x[i] > lower[i] && x[i] < upper[i]) free.push(i);
  if (free.length === 0) free.push(largest(x, equation));
  let slope = slopeAt(problem, x);
  for (let iterations = 1; iterations <= 20 * n + 100; iterations++) {
    const direction = towards(quadratic, slope, equation, free);
    if (direction === null) return null;
    // Along the direction until a bound is met.
    let length = 1;
    let blocking = -1;
    for (let f = 0; f < free.length; f++) {
      const i = free[f];
      const room = direction[f] < 0 ? lower[i] - x[i] : upper[i] - x[i];
      if (direction[f] === 0 || room / direction[f] >= length) continue;
      length = Math.max(0, room / direction[f]);
      blocking = f;
    }
    for (let f = 0; f < free.length; f++) x[free[f]] += length * direction[f];
    slope = slopeAt(problem, x);
    if (blocking >= 0 && free.length > 1) {
      const i = free[blocking];
      x[i] = direction[blocking] < 0 ? lower[i] : upper[i];
      free.splice(blocking, 1);
      continue;
    }
    // The best point of this face: let go of the bound that holds back most, or stop.
    const price = multiplier(slope, equation, free);
    const entering = mostHeldBack(problem, x, slope, price, free);
    if (entering < 0) return finish(problem, x, slope, price, iterations);
    free.push(entering);
  }
  return null;
}

/** `P x + q`; variables at zero cost nothing, because P is symmetric. */
function slopeAt({ quadratic, linear }: BoundedQuadratic, x: Float64Array): Float64Array {
  const out = multiplyTransposedVector(quadratic, x);
  for (let i = 0; i < out.length; i++) out[i] += linear[i];
  return out;
}

/** The variable at a bound whose move away from it gains most; -1 when none gains. */
function mostHeldBack(
  { equation, lower, upper }: BoundedQuadratic,
  x: Float64Array,
  slope: Float64Array,
  price: number,
  free: readonly number[],
): number {
  let worst = -1e-3 * tolerance * Math.max(1e-12, Math.abs(dot(slope, x)));
  let entering = -1;
  const isFree = new Uint8Array(x.length);
  for (const i of free) isFree[i] = 1;
  for (let i = 0; i < x.length; i++) {
    if (isFree[i] === 1 || lower[i] === upper[i]) continue;
    const reduced = slope[i] - price * equation[i];
    const gain = x[i] === lower[i] ? reduced : -reduced;
    if (gain >= worst) continue;
    worst = gain;
    entering = i;
  }
  return entering;
}

/** The step to the minimum over the free variables along `a d = 0`. */
function towards(
  quadratic: Matrix,
  gradient: Float64Array,
  equation: Float64Array,
  free: readonly number[],
): Float64Array | null {
  const lower = choleskyFactor(submatrix(quadratic, free), 1e-13);
  if (lower === null) return null;
  const a = Float64Array.from(free, (i) => equation[i]);
  const g = choleskySolve(
    lower,
    Float64Array.from(free, (i) => -gradient[i]),
  );
  const along = choleskySolve(lower, a);
  const ratio = dot(a, g) / dot(a, along);
  return g.map((value, f) => value - ratio * along[f]);
}

/** The price of the equation: least squares over the free variables, which agree at a minimum. */
export function multiplier(slope: Float64Array, equation: Float64Array, free: readonly number[]): number {
  let above = 0;
  let below = 0;
  for (const i of free) {
    above += slope[i] * equation[i];
    below += equation[i] * equation[i];
  }
  return above / below;
}

function largest(x: Float64Array, equation: Float64Array): number {
  let best = 0;
  for (let i = 0; i < x.length; i++)
    if (Math.abs(x[i] * equation[i]) > Math.abs(x[best] * equation[best])) best = i;
  return best;
}

/** The answer, when its multipliers prove it. */
function finish(
  problem: BoundedQuadratic,
  x: Float64Array,
  slope: Float64Array,
  price: number,
  iterations: number,
): ProgramSolution | null {
  const objective = 0.5 * (dot(x, slope) + dot(problem.linear, x));
  const bound = provenGap(problem, x, slope, price);
  const gap = bound / Math.max(Math.abs(objective), 1e-12);
  if (!(gap <= tolerance)) return null;
  return { x, objective, lowerBound: objective - bound, certificate: { method, gap, tolerance, iterations } };
}

/**
 * What every variable could still gain on its way to its bound: no point has an objective that is smaller by more.
 *
 * @param slope the gradient of the objective at x
 * @param price the multiplier of the equation
 */
export function provenGap(
  { equation, lower, upper }: Pick<BoundedQuadratic, "equation" | "lower" | "upper">,
  x: Float64Array,
  slope: Float64Array,
  price: number,
): number {
  let bound = 0;
  for (let i = 0; i < x.length; i++) {
    const reduced = slope[i] - price * equation[i];
    const room = reduced > 0 ? x[i] - lower[i] : Math.min(upper[i], Math.abs(x[i]) + 1) - x[i];
    bound += Math.abs(reduced) * Math.max(0, room);
  }
  return bound;
}
