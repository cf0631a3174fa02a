/**
 * Minimises a convex objective over a feasible set: a quadratic form, a scenario measure and a smooth function, in any
 * combination. Scenario measures get their rows as they are needed; a smooth function is replaced by its second-order model
 * again and again (proximal Newton; Lee, Sun and Saunders 2014), whose error at the answer is a part of the certificate.
 */
import { dot, type Matrix, matrix, multiplyVector } from "../../../base/index.ts";
import { type FeasibleSet, programOf } from "../constraints/feasible-set.ts";
import { requireFeasible } from "../constraints/infeasible.ts";
import type { Certificate } from "../problem.ts";
import { BlockCuts } from "./block-cuts.ts";
import { notSolved, tryProgram } from "./interior-point.ts";
import type { ProgramSolution } from "./program.ts";
import type { ScenarioMeasure } from "./scenario-measures.ts";
import { type PiecePool, ScenarioPool } from "./scenario-pool.ts";

/** A convex function with two derivatives over the first variables; infinite outside of its domain. */
export interface Smooth {
  value(x: Float64Array): number;
  derivatives(x: Float64Array): { readonly gradient: Float64Array; readonly hessian: Matrix };
}

export interface Convex {
  readonly set: FeasibleSet;
  /** `xᵀ quadratic x / 2`, over the first variables. */
  readonly quadratic?: Matrix | null;
  /** `[set.size]` */
  readonly linear?: Float64Array;
  readonly scenario?: {
    readonly measure: ScenarioMeasure;
    readonly returns: Matrix;
    readonly factor: number;
    /** The variable that multiplies a target in a homogeneous set; -1 for none. */
    readonly scaleAt: number;
    /** Rows from earlier minima of the same measure: they hold over any set. */
    readonly pool?: PiecePool;
  };
  readonly smooth?: Smooth;
  /** Where a smooth function starts: in its domain and, up to rounding, in the set. */
  readonly start?: Float64Array;
  readonly tolerance?: number;
}

export interface Minimum {
  /** `[set.size]` */
  readonly x: Float64Array;
  readonly objective: number;
  /** No point of the set has a smaller objective. */
  readonly lowerBound: number;
  readonly certificate: Certificate;
}

/**
 * @throws PlatformError `PORTFOLIO_INFEASIBLE` when the set is empty, in the user's words
 * @throws PlatformError `PORTFOLIO_NOT_SOLVED` when the gap stays above the tolerance
 */
export function minimise(convex: Convex): Minimum {
  const pool = convex.scenario ? (convex.scenario.pool ?? poolOf(convex.scenario)) : null;
  return convex.smooth ? proximalNewton(convex, convex.smooth, pool) : withScenarios(convex, pool, null);
}

/** Of drawdowns, whose periods have many peaks, rows of whole blocks; otherwise one for each period. */
export function poolOf({
  returns,
  measure,
}: Pick<NonNullable<Convex["scenario"]>, "returns" | "measure">): PiecePool {
  const { loss, statistic } = measure;
  const blocks = loss === "drawdown" && statistic.name !== "largest";
  return blocks ? new BlockCuts(returns, measure) : new ScenarioPool(returns, measure);
}

interface Model {
  readonly quadratic: Matrix | null;
  readonly linear: Float64Array;
}

/** The program with rows of the scenario measure added until none is missing. */
function withScenarios(convex: Convex, pool: PiecePool | null, model: Model | null): Minimum {
  const { set, scenario, tolerance = 1e-8 } = convex;
  const { quadratic, linear } = model ?? {
    quadratic: convex.quadratic ?? null,
    linear: convex.linear ?? new Float64Array(set.size),
  };
  if (!pool || !scenario) return solve(set, quadratic, linear, null, tolerance);
  const { factor, scaleAt } = scenario;
  const weightsOf = (x: Float64Array) => x.subarray(0, set.assets);
  const scaleOf = (x: Float64Array) => (scaleAt >= 0 ? x[scaleAt] : 1);
  const start = convex.start ?? nearestToEqual(set);
  if (pool.size === 0) pool.add(weightsOf(start), scaleOf(start));
  // A measure that can be brought to 0 has no relative gap: it counts against a small part of where it began.
  const smallest = Math.max(1e-9, 1e-4 * factor * pool.value(weightsOf(start), scaleOf(start)));
  let iterations = 0;
  let lowest = Number.NEGATIVE_INFINITY;
  for (let round = 1; round <= 200; round++) {
    const part = pool.part(set, scaleAt);
    const joint = part.linear.map((value, i) => factor * value + (i < set.size ? linear[i] : 0));
    const excesses = part.excesses && {
      ...part.excesses,
      cost: part.excesses.cost.map((value) => factor * value),
      curvature: part.excesses.curvature.map((value) => factor * value),
    };
    const answer = solve(part.set, quadratic, joint, excesses, tolerance / 2);
    iterations += answer.certificate.iterations ?? 0;
    const x = answer.x.slice(0, set.size);
    const upper =
      dot(linear, x) +
      (quadratic ? 0.5 * form(quadratic, x) : 0) +
      factor * pool.value(weightsOf(x), scaleOf(x));
    lowest = Math.max(lowest, answer.lowerBound);
    const gap = Math.max(0, (upper - lowest) / Math.max(Math.abs(upper), smallest));
    const method = `${answer.certificate.method}, scenarios as needed`;
    if (gap <= tolerance)
      return {
        x,
        objective: upper,
        lowerBound: lowest,
        certificate: { method, gap, tolerance, iterations },
      };
    if (pool.add(weightsOf(x), scaleOf(x)) === 0) throw notSolved(method, gap, tolerance);
  }
  throw notSolved("scenarios as needed", Number.NaN, tolerance);
}

function solve(
  set: FeasibleSet,
  quadratic: Matrix | null,
  linear: Float64Array,
  excesses: Parameters<typeof programOf>[1]["excesses"],
  tolerance: number,
): ProgramSolution {
  const wide = quadratic && quadratic.rows < set.size ? widen(quadratic, set.size) : quadratic;
  const outcome = tryProgram(programOf(set, { quadratic: wide, linear, excesses: excesses ?? null }), {
    tolerance,
  });
  if (outcome.solved) return outcome;
  requireFeasible(set);
  throw notSolved("primal-dual interior point", Math.max(outcome.gap, outcome.primalResidual), tolerance);
}

function proximalNewton(convex: Convex, smooth: Smooth, pool: PiecePool | null): Minimum {
  const { set, scenario, tolerance = 1e-8 } = convex;
  const fixed = convex.linear ?? new Float64Array(set.size);
  const total = (x: Float64Array) =>
    smooth.value(x) +
    dot(fixed, x) +
    (convex.quadratic ? 0.5 * form(convex.quadratic, x) : 0) +
    (pool && scenario
      ? scenario.factor *
        pool.value(x.subarray(0, set.assets), scenario.scaleAt >= 0 ? x[scenario.scaleAt] : 1)
      : 0);
  let x = convex.start ?? nearestToEqual(set);
  let value = total(x);
  let derivatives = smooth.derivatives(x);
  for (let iterations = 1; iterations <= 100; iterations++) {
    const { gradient, hessian } = derivatives;
    const curved = form2(hessian, x);
    const linear = fixed.map((one, i) => one + (i < gradient.length ? gradient[i] - curved[i] : 0));
    const quadratic = widen(hessian, set.size);
    if (convex.quadratic) addTo(quadratic, convex.quadratic);
    const answer = withScenarios({ ...convex, start: x }, pool, {
      quadratic,
      linear,
    });
    const step = answer.x.map((one, i) => one - x[i]);
    // What the model promises: the first-order change with half of the curvature.
    const modelChange = answer.objective - modelAt(x, quadratic, linear, pool, scenario, set);
    // Changes below this are those of rounding and of the inner solver; the certificate judges the point, not the step.
    const noise = 1e-10 * Math.max(Math.abs(value), 1e-3);
    let length = 1;
    let next = answer.x;
    let after = total(next);
    while (!(after <= value + 1e-4 * length * modelChange + noise) && length > 1e-8) {
      length *= 0.5;
      next = x.map((one, i) => one + length * step[i]);
      after = total(next);
    }
    const before = derivatives;
    derivatives = smooth.derivatives(next);
    // What is left of the optimality condition at the new point, over the reach of the variables.
    const moved = form2(before.hessian, step);
    let residual = 0;
    for (let i = 0; i < before.gradient.length; i++)
      residual +=
        Math.abs(derivatives.gradient[i] - before.gradient[i] - length * moved[i]) *
        Math.max(1, Math.abs(next[i]));
    const open = residual + (1 - length) * Math.abs(modelChange) + answer.objective - answer.lowerBound;
    const gap = open / Math.max(Math.abs(after), 1e-3);
    const stuck = length <= 1e-8;
    x = next;
    value = after;
    if (length === 1 && gap <= tolerance)
      return {
        x,
        objective: value,
        lowerBound: value - open,
        certificate: { method: "proximal Newton", gap, tolerance, iterations },
      };
    if (stuck) throw notSolved("proximal Newton", gap, tolerance);
  }
  throw notSolved("proximal Newton", Number.NaN, tolerance);
}

function modelAt(
  x: Float64Array,
  quadratic: Matrix,
  linear: Float64Array,
  pool: PiecePool | null,
  scenario: Convex["scenario"],
  set: FeasibleSet,
): number {
  return (
    dot(linear, x) +
    0.5 * form(quadratic, x) +
    (pool && scenario
      ? scenario.factor *
        pool.value(x.subarray(0, set.assets), scenario.scaleAt >= 0 ? x[scenario.scaleAt] : 1)
      : 0)
  );
}

/** The point of a set that is nearest to equal weights: somewhere to begin. */
export function nearestToEqual(set: FeasibleSet, lower?: Float64Array): Float64Array {
  const quadratic = matrix(set.size, set.size);
  const linear = new Float64Array(set.size);
  for (let i = 0; i < set.size; i++) {
    quadratic.data[i * set.size + i] = i < set.assets ? 1 : 1e-6;
    if (i < set.assets) linear[i] = -1 / set.assets;
  }
  return solve(lower ? { ...set, lower } : set, quadratic, linear, null, 1e-8).x;
}

/** `xᵀ m x` over the first variables. */
function form(m: Matrix, x: Float64Array): number {
  const part = x.subarray(0, m.rows);
  return dot(part, multiplyVector(m, part));
}

function form2(m: Matrix, x: Float64Array): Float64Array {
  return multiplyVector(m, x.subarray(0, m.rows));
}

/** The matrix with rows and columns of zeros added. */
export function widen(m: Matrix, size: number): Matrix {
  const out = matrix(size, size);
  for (let i = 0; i < m.rows; i++)
    out.data.set(m.data.subarray(i * m.columns, (i + 1) * m.columns), i * size);
  return out;
}

function addTo(to: Matrix, by: Matrix): void {
  for (let i = 0; i < by.rows; i++)
    for (let j = 0; j < by.columns; j++) to.data[i * to.columns + j] += by.data[i * by.columns + j];
}
