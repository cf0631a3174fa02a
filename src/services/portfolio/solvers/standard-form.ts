/**
 * The form in which an interior-point method takes a program, arranged once and never changed. Whatever is at least 0 or in a
 * cone is a slack s, also the hidden variables u, so that slacks and their multipliers z have one order: simple bounds, rows
 * (inequalities, then excesses), hidden variables; cones have their own.
 *
 *   minimise xᵀ P x / 2 + qᵀ x + Σ (c u + κ u² / 2)   over   G x - E u + s = h,  A x = b,  s >= 0 or in its cone,  u >= 0
 */
import {
  dot,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
  transpose,
} from "../../../base/index.ts";
import type { Program } from "./program.ts";

export interface StandardForm extends Pick<Program, "quadratic" | "linear" | "equalities" | "cones"> {
  /** Bounds as rows: `sign x[index] <= bound`. */
  readonly simple: {
    readonly index: Int32Array;
    readonly sign: Float64Array;
    readonly bound: Float64Array;
  };
  /** Inequalities and excesses, transposed: `[x, rows]`, the order in which products are taken. */
  readonly rows: Matrix;
  /** `[rows]` */
  readonly bounds: Float64Array;
  /** The hidden variable of each row, -1 for none, and the first row of each hidden variable: `[rows]`, `[u + 1]`. */
  readonly owner: Int32Array;
  readonly first: Int32Array;
  /** `[u]` */
  readonly cost: Float64Array;
  readonly curvature: Float64Array;
  /** Where rows and hidden variables begin among the slacks, and how many slacks there are. */
  readonly rowsAt: number;
  readonly hiddenAt: number;
  readonly slacks: number;
}

/** Everything that moves, as a point or as a direction. Hidden variables are the last of the slacks. */
export interface PrimalDual {
  readonly x: Float64Array;
  /** Multipliers of the equalities. */
  readonly y: Float64Array;
  readonly s: Float64Array;
  readonly z: Float64Array;
  /** Slacks and multipliers of each cone. */
  readonly coneS: readonly Float64Array[];
  readonly coneZ: readonly Float64Array[];
}

export function standardForm(program: Program): StandardForm {
  const { quadratic, linear, equalities, inequalities, cones, excesses } = program;
  const size = linear.length;
  const plain = inequalities.matrix.rows;
  const count = plain + (excesses?.matrix.rows ?? 0);
  const rows = matrix(count, size);
  const bounds = new Float64Array(count);
  const owner = new Int32Array(count).fill(-1);
  rows.data.set(inequalities.matrix.data);
  bounds.set(inequalities.bounds);
  if (excesses) {
    rows.data.set(excesses.matrix.data, plain * size);
    bounds.set(excesses.bounds, plain);
    owner.set(excesses.owner, plain);
  }
  const cost = excesses?.cost ?? new Float64Array(0);
  const curvature = excesses?.curvature ?? new Float64Array(0);
  const first = new Int32Array(cost.length + 1).fill(count);
  for (let r = count - 1; r >= plain; r--) first[owner[r]] = r;
  for (let k = cost.length - 1; k >= 0; k--) first[k] = Math.min(first[k], first[k + 1]);
  const simple = simpleRows(program);
  const rowsAt = simple.index.length;
  const hiddenAt = rowsAt + count;
  return {
    quadratic,
    linear,
    equalities,
    cones,
    simple,
    rows: transpose(rows),
    bounds,
    owner,
    first,
    cost,
    curvature,
    rowsAt,
    hiddenAt,
    slacks: hiddenAt + cost.length,
  };
}

/** The objective at x: hidden variables take their best values. */
export function objectiveAt(form: StandardForm, x: Float64Array): number {
  const { quadratic, linear, rows, bounds, first, cost, curvature } = form;
  let sum = dot(linear, x) + (quadratic ? 0.5 * dot(x, multiplyVector(quadratic, x)) : 0);
  if (cost.length === 0) return sum;
  const values = multiplyTransposedVector(rows, x);
  for (let k = 0; k < cost.length; k++) {
    let u = 0;
    for (let r = first[k]; r < first[k + 1]; r++) u = Math.max(u, values[r] - bounds[r]);
    sum += cost[k] * u + 0.5 * curvature[k] * u * u;
  }
  return sum;
}

/** `h - G x + E u`: the slacks of simple bounds and rows that x and u leave, `[hiddenAt]`. */
export function slackAt(form: StandardForm, x: Float64Array, u: Float64Array): Float64Array {
  const { simple, rows, bounds, owner, rowsAt, hiddenAt } = form;
  const { index, sign, bound } = simple;
  const out = new Float64Array(hiddenAt);
  for (let i = 0; i < index.length; i++) out[i] = bound[i] - sign[i] * x[index[i]];
  const values = multiplyTransposedVector(rows, x);
  for (let r = 0; r < values.length; r++)
    out[rowsAt + r] = bounds[r] - values[r] + (owner[r] >= 0 ? u[owner[r]] : 0);
  return out;
}

/** `b - a x` */
export function residual(b: Float64Array, a: Matrix, x: Float64Array): Float64Array {
  const out = multiplyVector(a, x);
  for (let i = 0; i < out.length; i++) out[i] = b[i] - out[i];
  return out;
}

/** `to += length direction`, in place. */
export function move(to: PrimalDual, direction: PrimalDual, length: number): void {
  add(to.x, direction.x, length);
  add(to.y, direction.y, length);
  add(to.s, direction.s, length);
  add(to.z, direction.z, length);
  for (let c = 0; c < to.coneS.length; c++) {
    add(to.coneS[c], direction.coneS[c], length);
    add(to.coneZ[c], direction.coneZ[c], length);
  }
}

/** `to += factor by`, in place. */
export function add(to: Float64Array, by: Float64Array, factor = 1): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * by[i];
}

function simpleRows({ lower, upper }: Program): StandardForm["simple"] {
  const index: number[] = [];
  const sign: number[] = [];
  const bound: number[] = [];
  for (let i = 0; i < lower.length; i++) {
    if (Number.isFinite(lower[i])) {
      index.push(i);
      sign.push(-1);
      bound.push(-lower[i]);
    }
    if (Number.isFinite(upper[i])) {
      index.push(i);
      sign.push(1);
      bound.push(upper[i]);
    }
  }
  return { index: Int32Array.from(index), sign: Float64Array.from(sign), bound: Float64Array.from(bound) };
}
