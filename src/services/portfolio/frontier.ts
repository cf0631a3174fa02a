/** The efficient frontier: the least risk at each expected return, with the points that have names. */
import { dot, multiplyTransposedVector } from "../../base/index.ts";
import { feasibleSet } from "./constraints/feasible.ts";
import { type FeasibleSet, withTargetReturn } from "./constraints/feasible-set.ts";
import type { Answer, ObjectiveInput, RiskName } from "./objectives/input.ts";
import { minimumRisk, minimumRiskOver } from "./objectives/scenario.ts";
import { answerOf, isSimple, maximumReturn, minimumVariance } from "./objectives/variance.ts";
import { multiplier, provenGap } from "./solvers/active-set.ts";
import { type Corner, criticalLine } from "./solvers/critical-line.ts";
import { notSolved } from "./solvers/interior-point.ts";

export interface FrontierPoint {
  readonly weights: Float64Array;
  /** Annual, net of linear costs. */
  readonly expectedReturn: number;
  readonly certificate: Answer["certificate"];
}

/**
 * `points` portfolios from the least risk to the largest return, at equal distances of return. Where only bounds and a budget
 * hold, variance is walked along by the critical line, which costs little more than one point; otherwise each is solved.
 */
export function efficientFrontier(input: ObjectiveInput, risk: RiskName, points: number): FrontierPoint[] {
  const { market, limits } = input;
  const lowest = risk === "volatility" ? minimumVariance(input) : minimumRisk(risk)(input);
  const set = feasibleSet(limits, market);
  if (risk === "volatility" && set.impact === null && isSimple(set) && input.options.l2 === 0) {
    const { lower, upper } = set;
    const { covariance, expectedReturns } = market;
    const corners = criticalLine({ covariance, expectedReturns, lower, upper }, lowest.weights);
    if (corners !== null) return alongCorners(input, set, corners, points);
  }
  const highest = maximumReturn(input);
  const from = dot(market.expectedReturns, lowest.weights);
  const to = dot(market.expectedReturns, highest.weights);
  const first = { weights: lowest.weights, expectedReturn: from, certificate: lowest.certificate };
  if (!(to > from + 1e-9)) return [first];
  return Array.from({ length: points }, (_, k) => {
    if (k === 0) return first;
    // The last point is the largest return itself, up to what a solver can tell apart.
    const target = from + ((to - from) * Math.min(k, points - 1 - 1e-6)) / (points - 1);
    const answer = answerOf(minimumRiskOver(risk, input, withTargetReturn(set, target)), set);
    const { weights, certificate } = answer;
    return { weights, expectedReturn: dot(market.expectedReturns, weights), certificate };
  });
}

function alongCorners(
  { market: { expectedReturns, covariance } }: ObjectiveInput,
  { lower, upper }: FeasibleSet,
  corners: readonly Corner[],
  points: number,
): FrontierPoint[] {
  const returns = corners.map(({ weights }) => dot(expectedReturns, weights));
  const from = returns[0];
  const to = returns[returns.length - 1];
  const count = to > from ? points : 1;
  const equation = new Float64Array(lower.length).fill(1);
  let corner = 0;
  return Array.from({ length: count }, (_, k) => {
    const target = count === 1 ? from : from + ((to - from) * k) / (count - 1);
    while (corner < corners.length - 2 && returns[corner + 1] < target) corner++;
    const [low, high] = [corners[corner], corners[Math.min(corner + 1, corners.length - 1)]];
    const width = returns[Math.min(corner + 1, corners.length - 1)] - returns[corner];
    const share = width > 0 ? Math.min(1, Math.max(0, (target - returns[corner]) / width)) : 0;
    const weights = low.weights.map((value, i) => value + share * (high.weights[i] - value));
    const lambda = low.lambda + share * (high.lambda - low.lambda);
    const marginal = multiplyTransposedVector(covariance, weights);
    const slope = marginal.map((value, i) => value - lambda * expectedReturns[i]);
    const free = Array.from(weights.keys()).filter((i) => weights[i] > lower[i] && weights[i] < upper[i]);
    const price = multiplier(
      slope,
      equation,
      free.length > 0 ? free : [weights.indexOf(Math.max(...weights))],
    );
    const gap = provenGap({ equation, lower, upper }, weights, slope, price) / dot(weights, marginal);
    if (!(gap <= tolerance)) throw notSolved(method, gap, tolerance);
    return {
      weights,
      expectedReturn: dot(expectedReturns, weights),
      certificate: { method, gap, tolerance },
    };
  });
}

const method = "critical line";
/** Of the gap, relative to the variance. */
const tolerance = 1e-8;
