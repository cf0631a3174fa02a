/** The one form that convex problems take before they are solved. */
import { type Matrix, matrix } from "../../../base/index.ts";
import type { Certificate } from "../problem.ts";

/** `matrix x = bounds` or `matrix x <= bounds`, row by row. */
export interface LinearRows {
  readonly matrix: Matrix;
  readonly bounds: Float64Array;
}

/** `offset - matrix x` lies in the second-order cone: its first entry is at least the length of the others. */
export interface Cone {
  readonly matrix: Matrix;
  readonly offset: Float64Array;
}

/**
 * Hidden variables `u >= 0`, one for each scenario: `rows x - u[owner] <= bounds`, at a cost `cost u + curvature u² / 2`. They
 * are eliminated before a system is solved, so that thousands of them cost little more than the products of their rows.
 */
export interface Excesses extends LinearRows {
  /** `[rows]`: which u a row belongs to, in ascending order; several rows may share one. */
  readonly owner: Int32Array;
  /** `[u]` */
  readonly cost: Float64Array;
  /** `[u]`, at least 0 */
  readonly curvature: Float64Array;
}

/**
 * Minimise `xᵀ quadratic x / 2 + linear x` and the cost of the excesses, over x inside its bounds that keeps all rows and
 * cones. `quadratic` is positive semi-definite; infinite bounds are none.
 */
export interface Program {
  readonly quadratic: Matrix | null;
  readonly linear: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly equalities: LinearRows;
  readonly inequalities: LinearRows;
  readonly cones: readonly Cone[];
  readonly excesses: Excesses | null;
}

export interface ProgramSolution {
  readonly x: Float64Array;
  readonly objective: number;
  /** No point of the program has a smaller objective, as the multipliers prove. */
  readonly lowerBound: number;
  readonly certificate: Certificate;
}

/** No rows over `size` variables. */
export function noRows(size: number): LinearRows {
  return { matrix: matrix(0, size), bounds: new Float64Array(0) };
}

/** A program over `size` free variables with nothing else in it; `parts` replace what they name. */
export function program(size: number, parts: Partial<Program>): Program {
  return {
    quadratic: null,
    linear: new Float64Array(size),
    lower: new Float64Array(size).fill(Number.NEGATIVE_INFINITY),
    upper: new Float64Array(size).fill(Number.POSITIVE_INFINITY),
    equalities: noRows(size),
    inequalities: noRows(size),
    cones: [],
    excesses: null,
    ...parts,
  };
}
