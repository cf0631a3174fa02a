/** The weights that keep every constraint, as bounds, rows and cones over them and a few helping variables, and sets made from it. */
import { matrix, rowOf } from "../../../base/index.ts";
import { type Cone, type LinearRows, type Program, program } from "../solvers/program.ts";

/** `coefficients x <= bound`, or `=`; the label is what the user said. */
export interface Row {
  readonly label: string;
  readonly kind: "<=" | "=";
  readonly coefficients: Float64Array;
  readonly bound: number;
}

export interface FeasibleSet {
  /** Weights come first; helping variables follow. */
  readonly assets: number;
  readonly size: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly lowerLabels: readonly string[];
  readonly upperLabels: readonly string[];
  readonly rows: readonly Row[];
  readonly cones: readonly (Cone & { readonly label: string })[];
  /** Annual expected return, net of linear costs, `[size]`. */
  readonly netReturn: Float64Array;
  /** `Σ impact x²` is the quadratic part of the cost, `[size]`; null where there is none. */
  readonly impact: Float64Array | null;
}

/** The set with another row. */
export function withRow(set: FeasibleSet, row: Row): FeasibleSet {
  return { ...set, rows: [...set.rows, row] };
}

/** The set in which the expected return net of costs is at least `target`. */
export function withTargetReturn(set: FeasibleSet, target: number): FeasibleSet {
  return withRow(set, {
    label: `expected return >= ${target}`,
    kind: "<=",
    coefficients: set.netReturn.map((value) => -value),
    bound: -target,
  });
}

/**
 * The cone over the set: all `(t x, t)` with t >= 0, the last variable. A ratio over the set is a minimum over it (Charnes and
 * Cooper 1962).
 */
export function homogeneous(set: FeasibleSet): FeasibleSet {
  const size = set.size + 1;
  const rows: Row[] = set.rows.map((row) => ({
    ...row,
    coefficients: extended(row.coefficients, -row.bound),
    bound: 0,
  }));
  const lower = extended(set.lower, 0);
  const upper = extended(set.upper, Number.POSITIVE_INFINITY);
  for (let i = 0; i < set.size; i++) {
    const unit = (sign: number, bound: number) => {
      const coefficients = new Float64Array(size);
      coefficients[i] = sign;
      coefficients[set.size] = -sign * bound;
      return coefficients;
    };
    if (set.lower[i] !== 0 && Number.isFinite(set.lower[i])) {
      rows.push({ label: set.lowerLabels[i], kind: "<=", coefficients: unit(-1, set.lower[i]), bound: 0 });
      lower[i] = Number.NEGATIVE_INFINITY;
    }
    if (set.upper[i] !== 0 && Number.isFinite(set.upper[i])) {
      rows.push({ label: set.upperLabels[i], kind: "<=", coefficients: unit(1, set.upper[i]), bound: 0 });
      upper[i] = Number.POSITIVE_INFINITY;
    }
  }
  const cones = set.cones.map(({ label, matrix: rowsOfCone, offset }) => {
    const wider = matrix(rowsOfCone.rows, size);
    for (let i = 0; i < rowsOfCone.rows; i++) {
      wider.data.set(rowOf(rowsOfCone, i), i * size);
      wider.data[i * size + set.size] = -offset[i];
    }
    return { label, matrix: wider, offset: new Float64Array(offset.length) };
  });
  return {
    ...set,
    size,
    lower,
    upper,
    lowerLabels: [...set.lowerLabels, "scale"],
    upperLabels: [...set.upperLabels, "scale"],
    rows,
    cones,
    netReturn: extended(set.netReturn, 0),
    impact: set.impact && extended(set.impact, 0),
  };
}

/** The set with `count` free variables more. */
export function widened(set: FeasibleSet, count: number): FeasibleSet {
  let out = set;
  for (let i = 0; i < count; i++) {
    out = {
      ...out,
      size: out.size + 1,
      lower: extended(out.lower, Number.NEGATIVE_INFINITY),
      upper: extended(out.upper, Number.POSITIVE_INFINITY),
      lowerLabels: [...out.lowerLabels, ""],
      upperLabels: [...out.upperLabels, ""],
      rows: out.rows.map((row) => ({ ...row, coefficients: extended(row.coefficients, 0) })),
      cones: out.cones.map((cone) => {
        const wider = matrix(cone.matrix.rows, cone.matrix.columns + 1);
        for (let r = 0; r < wider.rows; r++) wider.data.set(rowOf(cone.matrix, r), r * wider.columns);
        return { ...cone, matrix: wider };
      }),
      netReturn: extended(out.netReturn, 0),
      impact: out.impact && extended(out.impact, 0),
    };
  }
  return out;
}

/** The program of a set with an objective; `parts` replace what they name. */
export function programOf(set: FeasibleSet, parts: Partial<Program>): Program {
  return program(set.size, {
    lower: set.lower,
    upper: set.upper,
    equalities: linearRows(set, "="),
    inequalities: linearRows(set, "<="),
    cones: set.cones,
    ...parts,
  });
}

function linearRows({ rows, size }: FeasibleSet, kind: Row["kind"]): LinearRows {
  const chosen = rows.filter((row) => row.kind === kind);
  const out = matrix(chosen.length, size);
  for (let i = 0; i < chosen.length; i++) out.data.set(chosen[i].coefficients, i * size);
  return { matrix: out, bounds: Float64Array.from(chosen, ({ bound }) => bound) };
}

export function extended(values: Float64Array, last: number): Float64Array {
  const out = new Float64Array(values.length + 1);
  out.set(values);
  out[values.length] = last;
  return out;
}
