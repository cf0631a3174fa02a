/**
 * The largest expected return whose risk is at most a target, for every convex measure of risk. The least risk at a return is a
 * convex function of that return: a chord of it crosses the target before the answer does, a line through two points below
 * the target crosses it behind, and what lies between the two is the gap.
 */
import { dot, PlatformError } from "../../../base/index.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import { type FeasibleSet, withTargetReturn } from "../constraints/feasible-set.ts";
import { optionError } from "../constraints/options.ts";
import { notSolved } from "../solvers/interior-point.ts";
import { poolOf } from "../solvers/minimise.ts";
import type { PiecePool } from "../solvers/scenario-pool.ts";
import type { Answer, ObjectiveInput } from "./input.ts";
import { minimumRiskOver, riskInUnits, riskOf, scenarioMeasure } from "./scenario.ts";
import { maximumReturn } from "./variance.ts";

/** Weights of least risk at a return; no others at that return have less than `leastRisk`. */
interface Point {
  /** `[set.size]` */
  readonly x: Float64Array;
  /** Annual, net of linear costs. */
  readonly expectedReturn: number;
  readonly risk: number;
  readonly leastRisk: number;
}

const method = "chords of the frontier";
/** Of the gap of the expected return, relative to `max(1, |return|)`. */
const tolerance = 1e-7;
const mostPoints = 40;

/**
 * @param target in the units of the measure: of one period, drawdowns as shares of what was invested
 * @throws PlatformError `PORTFOLIO_INFEASIBLE` when no allowed weights have so little risk
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the target is not above 0, or costs are quadratic
 */
export function maximumReturnAtRisk(input: ObjectiveInput, target: number): Answer {
  const { market, limits, options } = input;
  const name = options.riskMeasure;
  if (!(target > 0 && Number.isFinite(target))) throw optionError("target-risk", "a number above 0", target);
  if (limits.impact) throw optionError("impact", "no quadratic cost beside target-risk", limits.impact);
  if (name === "volatility") {
    const targetVolatility = Math.min(target, limits.targetVolatility ?? target);
    return maximumReturn({ ...input, limits: { ...limits, targetVolatility } });
  }
  const highest = maximumReturn(input);
  const highestRisk = riskOf(name, input, highest.weights);
  if (highestRisk <= target) return highest;
  const set = feasibleSet(limits, market);
  const measure = scenarioMeasure(name, options);
  // Rows that bound the measure hold at every return: each point begins with those of the ones before.
  const pool = measure ? poolOf({ returns: market.scenarios, measure }) : undefined;
  const lowest = pointOf(input, set, pool);
  if (lowest.risk > target)
    throw new PlatformError(
      "conflict",
      "PORTFOLIO_INFEASIBLE",
      `no weights satisfy "${name} <= ${target}" beside the other constraints; the least ${name} that they allow is ${Number(lowest.risk.toPrecision(6))}`,
    );
  const solve = (least: number) => pointOf(input, withTargetReturn(set, least), pool);
  const { best, gap, solved } = search(solve, lowest, [-highest.objective, highestRisk], target);
  if (!(gap <= tolerance)) throw notSolved(method, gap, tolerance);
  const certificate = { method, gap, tolerance, iterations: solved };
  return {
    weights: best.x.slice(0, set.assets),
    objective: -best.expectedReturn,
    certificate,
    warnings: [],
  };
}

function search(
  solve: (expectedReturn: number) => Point,
  lowest: Point,
  [highestReturn, highestRisk]: readonly [number, number],
  target: number,
) {
  let best = lowest;
  const below = [lowest];
  let above = { expectedReturn: highestReturn, risk: highestRisk };
  // No weights within the target have a larger return.
  let most = highestReturn;
  const gap = () => Math.max(0, most - best.expectedReturn) / Math.max(1, Math.abs(most));
  let solved = 0;
  while (gap() > tolerance && solved < mostPoints) {
    // By turns from below, where the chord crosses the target, and from above, at the best bound so far.
    const chord = (target - best.risk) / (above.risk - best.risk);
    const crossing = best.expectedReturn + chord * (above.expectedReturn - best.expectedReturn);
    const point = solve(solved++ % 2 === 0 || most >= above.expectedReturn ? crossing : most);
    const inside = within(point, lowest, target);
    if (inside.expectedReturn > best.expectedReturn) best = inside;
    if (point.leastRisk > target) {
      above = { expectedReturn: point.expectedReturn, risk: point.leastRisk };
      most = Math.min(most, point.expectedReturn);
      continue;
    }
    for (const other of below) {
      const slope = (point.leastRisk - other.risk) / (point.expectedReturn - other.expectedReturn);
      if (slope > 0) most = Math.min(most, point.expectedReturn + (target - point.leastRisk) / slope);
    }
    below.push(point);
  }
  return { best, gap: gap(), solved };
}

/** A point above the target drawn towards the lowest until it is not: risk is convex. */
function within(point: Point, lowest: Point, target: number): Point {
  if (point.risk <= target) return point;
  const share = Math.min(1, (point.risk - target) / (point.risk - lowest.risk));
  const mix = (a: number, b: number) => a + share * (b - a);
  return {
    x: point.x.map((value, i) => mix(value, lowest.x[i])),
    expectedReturn: mix(point.expectedReturn, lowest.expectedReturn),
    risk: target,
    leastRisk: mix(point.leastRisk, lowest.leastRisk),
  };
}

function pointOf(input: ObjectiveInput, set: FeasibleSet, pool: PiecePool | undefined): Point {
  const { options } = input;
  const { riskMeasure } = options;
  const { x, lowerBound } = minimumRiskOver(riskMeasure, input, set, pool);
  return {
    x,
    expectedReturn: dot(set.netReturn, x),
    risk: riskOf(riskMeasure, input, x.slice(0, set.assets)),
    leastRisk: riskInUnits(riskMeasure, options, lowerBound),
  };
}
