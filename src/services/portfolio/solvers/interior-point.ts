/**
 * A primal-dual interior-point method for quadratic programs with linear and second-order cone constraints: Mehrotra's
 * predictor and corrector with the scaling of Nesterov and Todd, started outside of the constraints (Andersen, Dahl and
 * Vandenberghe 2011). Hidden excess variables are eliminated by hand, so that what is factored has the size of x alone.
 */
import { type Matrix, PlatformError } from "../../../base/index.ts";
import { withoutFixed } from "./fixed-variables.ts";
import { PrimalDualIterate } from "./primal-dual-iterate.ts";
import type { Excesses, Program, ProgramSolution } from "./program.ts";
import { objectiveAt, standardForm } from "./standard-form.ts";

export interface InteriorPointOptions {
  /** Largest relative gap and residual of an answer. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
}

const method = "primal-dual interior point";

/** What a run that ended without an answer knows. */
export interface Unsolved {
  readonly solved: false;
  readonly gap: number;
  readonly primalResidual: number;
  readonly iterations: number;
}

export type Outcome = (ProgramSolution & { readonly solved: true }) | Unsolved;

/**
 * The solution of a convex program.
 *
 * @throws PlatformError `PORTFOLIO_NOT_SOLVED` when the tolerance was not reached, as happens when there is no solution
 */
export function solveProgram(program: Program, options: InteriorPointOptions = {}): ProgramSolution {
  const outcome = tryProgram(program, options);
  if (!outcome.solved) throw notSolved(method, outcome.gap, options.tolerance ?? 1e-8);
  return outcome;
}

/** The error of a method that did not prove what it promises. */
export function notSolved(what: string, gap: number, tolerance: number): PlatformError {
  return new PlatformError(
    "conflict",
    "PORTFOLIO_NOT_SOLVED",
    `${what}: expected a relative gap of at most ${tolerance}, reached ${Number.isNaN(gap) ? "none" : gap.toExponential(1)}`,
  );
}

/** The same, with failure as a value: constraints that contradict each other are explained elsewhere. */
export function tryProgram(problem: Program, options: InteriorPointOptions = {}): Outcome {
  const { program, restore, constant } = withoutFixed(problem);
  if (program === null) return { solved: false, gap: Number.NaN, primalResidual: Number.NaN, iterations: 0 };
  const outcome = run(program, options);
  if (!outcome.solved) return outcome;
  return {
    ...outcome,
    x: restore(outcome.x),
    objective: outcome.objective + constant,
    lowerBound: outcome.lowerBound + constant,
  };
}

function run(problem: Program, { tolerance = 1e-8, maxIterations = 100 }: InteriorPointOptions): Outcome {
  const { program, objectiveScale } = equilibrate(problem);
  const form = standardForm(program);
  const iterate = new PrimalDualIterate(form);
  iterate.start();
  let best: { readonly x: Float64Array; readonly gap: number; readonly primal: number } | null = null;
  let iterations = 0;
  let stalled = 0;
  let last = { gap: Number.NaN, primal: Number.NaN };
  for (; iterations < maxIterations; iterations++) {
    const { gap, primal, finite } = iterate.measure();
    if (!finite) break;
    last = { gap, primal };
    const reached = Math.max(gap, primal);
    if (best === null || reached < 0.7 * Math.max(best.gap, best.primal)) stalled = 0;
    else stalled++;
    if (best === null || reached < Math.max(best.gap, best.primal))
      best = { x: Float64Array.from(iterate.x), gap, primal };
    // On to a hundredth of the tolerance where that is cheap to have: later steps are the shortest.
    if (reached < tolerance / 100 || (reached < tolerance && stalled > 2) || stalled > 25) break;
    if (!iterate.step()) break;
  }
  if (best === null || best.gap > tolerance || best.primal > tolerance)
    return { solved: false, gap: last.gap, primalResidual: last.primal, iterations };
  const objective = objectiveAt(form, best.x) / objectiveScale;
  return {
    solved: true,
    x: best.x,
    objective,
    lowerBound:
      objective - (best.gap * Math.max(Math.abs(objective * objectiveScale), 1e-3)) / objectiveScale,
    certificate: { method, gap: best.gap, tolerance, iterations },
  };
}

/** Rows of length about 1 and an objective of size about 1, which is what absolute numbers in a method mean. */
function equilibrate(program: Program): { program: Program; objectiveScale: number } {
  const { quadratic, linear } = program;
  const excesses = program.excesses && inUnits(program.excesses);
  let size = 0;
  if (quadratic)
    for (let i = 0; i < quadratic.rows; i++)
      size = Math.max(size, Math.abs(quadratic.data[i * quadratic.columns + i]));
  for (const value of linear) size = Math.max(size, Math.abs(value));
  if (excesses && size === 0)
    for (let k = 0; k < excesses.cost.length; k++)
      size = Math.max(size, excesses.cost[k], excesses.curvature[k]);
  const objectiveScale = size > 0 ? 1 / size : 1;
  const scale = (m: Matrix): Matrix => ({ ...m, data: m.data.map((value) => value * objectiveScale) });
  const rows = (one: Program["equalities"]) => {
    const { rows: count, columns, data } = one.matrix;
    const scaled = Float64Array.from(data);
    const bounds = Float64Array.from(one.bounds);
    for (let i = 0; i < count; i++) {
      let most = 0;
      for (let j = 0; j < columns; j++) most = Math.max(most, Math.abs(data[i * columns + j]));
      if (most === 0) continue;
      for (let j = 0; j < columns; j++) scaled[i * columns + j] /= most;
      bounds[i] /= most;
    }
    return { matrix: { ...one.matrix, data: scaled }, bounds };
  };
  return {
    objectiveScale,
    program: {
      ...program,
      quadratic: quadratic && scale(quadratic),
      linear: linear.map((value) => value * objectiveScale),
      equalities: rows(program.equalities),
      inequalities: rows(program.inequalities),
      excesses: excesses && {
        ...excesses,
        cost: excesses.cost.map((value) => value * objectiveScale),
        curvature: excesses.curvature.map((value) => value * objectiveScale),
      },
    },
  };
}

/** The same excesses in the unit of their largest coefficient: rows and hidden variables are of size 1 then. */
function inUnits(excesses: Excesses): Excesses {
  let unit = 0;
  for (const value of excesses.matrix.data) unit = Math.max(unit, Math.abs(value));
  if (unit === 0) return excesses;
  return {
    ...excesses,
    matrix: { ...excesses.matrix, data: excesses.matrix.data.map((value) => value / unit) },
    bounds: excesses.bounds.map((value) => value / unit),
    cost: excesses.cost.map((value) => value * unit),
    curvature: excesses.curvature.map((value) => value * unit * unit),
  };
}
