/** Variables whose bounds leave them no choice: an interior-point method needs an inside, so they are taken out first. */
import { dot, type Matrix, multiplyVector, submatrix } from "../../../base/index.ts";
import type { LinearRows, Program } from "./program.ts";

export interface Reduced {
  /** Null when a lower bound is above an upper one. */
  readonly program: Program | null;
  readonly restore: (x: Float64Array) => Float64Array;
  /** What the fixed variables add to the objective. */
  readonly constant: number;
}

export function withoutFixed(program: Program): Reduced {
  const { lower, upper, quadratic, linear } = program;
  const size = linear.length;
  const same = { program, restore: (x: Float64Array) => x, constant: 0 };
  if (lower.some((value, i) => value > upper[i])) return { ...same, program: null };
  const free = Array.from(lower.keys()).filter((i) => lower[i] < upper[i]);
  if (free.length === size) return same;
  const fixed = lower.map((value, i) => (value === upper[i] ? value : 0));
  const pick = (values: Float64Array) => Float64Array.from(free, (i) => values[i]);
  const columns = (m: Matrix) =>
    submatrix(
      m,
      Array.from({ length: m.rows }, (_, i) => i),
      free,
    );
  const rows = <R extends LinearRows>(one: R): R => {
    const moved = multiplyVector(one.matrix, fixed);
    return { ...one, matrix: columns(one.matrix), bounds: one.bounds.map((value, i) => value - moved[i]) };
  };
  const slope = quadratic ? multiplyVector(quadratic, fixed) : new Float64Array(size);
  return {
    constant: dot(linear, fixed) + 0.5 * dot(slope, fixed),
    restore(x) {
      const out = Float64Array.from(fixed);
      free.forEach((i, k) => {
        out[i] = x[k];
      });
      return out;
    },
    program: {
      quadratic: quadratic && submatrix(quadratic, free),
      linear: pick(linear.map((value, i) => value + slope[i])),
      lower: pick(lower),
      upper: pick(upper),
      equalities: rows(program.equalities),
      inequalities: rows(program.inequalities),
      cones: program.cones.map((cone) => {
        const moved = multiplyVector(cone.matrix, fixed);
        return { matrix: columns(cone.matrix), offset: cone.offset.map((value, i) => value - moved[i]) };
      }),
      excesses: program.excesses && rows(program.excesses),
    },
  };
}
