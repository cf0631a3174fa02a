/**
 * Why no weights satisfy all constraints: the smallest set of them that contradict each other, by the deletion filter of
 * Chinneck and Dravnieks (1991), and how far each alone would have to give way.
 */
import { matrix, PlatformError } from "../../../base/index.ts";
import { tryProgram } from "../solvers/interior-point.ts";
import type { FeasibleSet, Row } from "./feasible-set.ts";
import { programOf } from "./feasible-set.ts";

/** How far a constraint is moved when weights keep all of them as nearly as they can. */
const reached = 1e-7;

/** What a constraint in words is made of: all rows, bounds and cones with one label. */
type Label = string;

export interface Explanation {
  /** Each of them can be kept when any one of the others is dropped. */
  readonly conflict: readonly Label[];
  /** By how much each of them alone has to be relaxed, in its own unit, for an answer to exist; smallest first. */
  readonly relaxations: readonly { readonly constraint: Label; readonly by: number }[];
}

/** Null when the set is not empty after all. */
export function explainInfeasible(set: FeasibleSet): Explanation | null {
  const labels = labelsOf(set);
  if (!(violation(set, new Set(labels), new Set(labels)) > reached)) return null;
  let conflict = new Set(labels);
  for (const label of labels) {
    const without = new Set(conflict);
    without.delete(label);
    if (violation(set, without, without) > reached) conflict = without;
  }
  const relaxations = [...conflict].flatMap((constraint) => {
    const by = violation(set, new Set(labels), new Set([constraint]));
    return Number.isFinite(by) ? [{ constraint, by }] : [];
  });
  relaxations.sort((a, b) => a.by - b.by);
  return { conflict: [...conflict], relaxations };
}

/** Throws `PORTFOLIO_INFEASIBLE` with the explanation when the set is empty. */
export function requireFeasible(set: FeasibleSet): void {
  const explanation = explainInfeasible(set);
  if (explanation === null) return;
  const { conflict, relaxations } = explanation;
  const quoted = conflict.map((label) => `"${label}"`).join(" and ");
  const nearest = relaxations
    .slice(0, 3)
    .map(({ constraint, by }) => `"${constraint}" by ${Number(by.toPrecision(4))}`)
    .join(" or ");
  throw new PlatformError(
    "conflict",
    "PORTFOLIO_INFEASIBLE",
    `no weights satisfy ${quoted}${conflict.length > 1 ? " together" : ""}${nearest === "" ? "" : `; the nearest relaxation moves ${nearest}`}`,
  );
}

/** Helping rows (no label) define variables and contradict nobody. */
function labelsOf({ lower, upper, lowerLabels, upperLabels, rows, cones }: FeasibleSet): Label[] {
  const out = new Set<Label>();
  for (const { label } of rows) out.add(label);
  for (const { label } of cones) out.add(label);
  for (let i = 0; i < lower.length; i++) {
    if (Number.isFinite(lower[i])) out.add(lowerLabels[i]);
    if (Number.isFinite(upper[i])) out.add(upperLabels[i]);
  }
  out.delete("");
  return [...out];
}

/**
 * The least by which the constraints of `elastic` have to be moved, all by the same amount, when those of `kept` hold; NaN
 * when no method found it: moving them does not help then.
 */
function violation(set: FeasibleSet, kept: ReadonlySet<Label>, elastic: ReadonlySet<Label>): number {
  const size = set.size + 1;
  const at = set.size;
  const rows: Row[] = [];
  const lower = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  lower[at] = 0;
  const push = (label: string, coefficients: Float64Array, bound: number, kind: Row["kind"]) => {
    const wide = new Float64Array(size);
    wide.set(coefficients);
    if (!elastic.has(label)) {
      rows.push({ label, kind, coefficients: wide, bound });
      return;
    }
    wide[at] = -1;
    rows.push({ label, kind: "<=", coefficients: wide, bound });
    if (kind === "<=") return;
    const mirrored = wide.map((value) => -value);
    mirrored[at] = -1;
    rows.push({ label, kind: "<=", coefficients: mirrored, bound: -bound });
  };
  for (const row of set.rows)
    if (row.label === "" || kept.has(row.label)) push(row.label, row.coefficients, row.bound, row.kind);
  const unit = (i: number, sign: number) => {
    const out = new Float64Array(set.size);
    out[i] = sign;
    return out;
  };
  for (let i = 0; i < set.size; i++) {
    if (Number.isFinite(set.lower[i]) && kept.has(set.lowerLabels[i]))
      push(set.lowerLabels[i], unit(i, -1), -set.lower[i], "<=");
    if (Number.isFinite(set.upper[i]) && kept.has(set.upperLabels[i]))
      push(set.upperLabels[i], unit(i, 1), set.upper[i], "<=");
  }
  const cones = set.cones
    .filter(({ label }) => kept.has(label))
    .map(({ label, matrix: cone, offset }) => {
      const wide = matrix(cone.rows, size);
      for (let r = 0; r < cone.rows; r++)
        for (let j = 0; j < cone.columns; j++) wide.data[r * size + j] = cone.data[r * cone.columns + j];
      if (elastic.has(label)) wide.data[at] = -1; // the radius grows with the violation
      return { label, matrix: wide, offset };
    });
  // A little of the size of x keeps what is free from running away.
  const quadratic = matrix(size, size);
  for (let i = 0; i < set.size; i++) quadratic.data[i * size + i] = 1e-9;
  const linear = new Float64Array(size);
  linear[at] = 1;
  const outcome = tryProgram(
    programOf({ ...set, size, lower, upper, rows, cones }, { quadratic, linear, lower, upper }),
    // Relative to at least a thousandth, so that this is an error of 1e-8 in the units of the constraints.
    { tolerance: 1e-5, maxIterations: 200 },
  );
  return outcome.solved ? Math.max(0, outcome.x[at]) : Number.NaN;
}
