/** Objectives on scenarios: tail means, drawdowns, deviations, entropic value at risk, growth. */

import { feasibleSet } from "../constraints/feasible.ts";
import type { FeasibleSet } from "../constraints/feasible-set.ts";
import { optionError } from "../constraints/options.ts";
import { type Minimum, minimise, nearestToEqual } from "../solvers/minimise.ts";
import { type ScenarioMeasure, Scenarios, statisticOf } from "../solvers/scenario-measures.ts";
import type { PiecePool } from "../solvers/scenario-pool.ts";
import type { Answer, ObjectiveInput, ObjectiveOptions, RiskName } from "./input.ts";
import { entropicRisk, entropicValueAtRisk, growth } from "./smooth.ts";
import {
  answerOf,
  maximumVarianceUtility,
  minimiseQuadratic,
  portfolioVolatility,
  ratio,
} from "./variance.ts";

/** The scenario measure of a name; null for volatility and EVaR, which are smooth. */
export function scenarioMeasure(
  name: RiskName,
  { level, minimumReturn }: ObjectiveOptions,
): ScenarioMeasure | null {
  const tail = { name: "tail-mean", level } as const;
  const measures: Readonly<Record<RiskName, ScenarioMeasure | null>> = {
    volatility: null,
    evar: null,
    "semi-deviation": { loss: "below-target", statistic: { name: "mean-square" }, target: minimumReturn },
    mad: { loss: "below-mean", statistic: { name: "mean" } },
    cvar: { loss: "return", statistic: tail },
    worst: { loss: "return", statistic: { name: "largest" } },
    cdar: { loss: "drawdown", statistic: tail },
    "max-drawdown": { loss: "drawdown", statistic: { name: "largest" } },
    "average-drawdown": { loss: "drawdown", statistic: { name: "mean" } },
    ulcer: { loss: "drawdown", statistic: { name: "mean-square" } },
  };
  if (!(level > 0 && level < 1)) throw optionError("level", "a number inside (0, 1)", level);
  return measures[name];
}

/** Minimum of a measure of risk. */
export function minimumRisk(name: RiskName): (input: ObjectiveInput) => Answer {
  return (input) => {
    const set = feasibleSet(input.limits, input.market);
    return answerOf(riskMinimum(name, input, set, -1), set);
  };
}

/** Maximum of `(return - rf) / risk` for a measure of risk that grows in proportion to the weights. */
export function maximumRatio(input: ObjectiveInput): Answer {
  const { market, limits, options } = input;
  const set = feasibleSet(limits, market);
  const minimum = ratio(set, limits.netExposure, market.riskFree, set.netReturn, (cone) =>
    riskMinimum(options.riskMeasure, input, cone, cone.size - 1),
  );
  return answerOf(minimum, set);
}

/** Maximum of the mean logarithm of growth (Kelly 1956), on the scenarios. */
export function kelly({ market, limits }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  return answerOf(minimise({ set, smooth: growth(market.scenarios) }), set);
}

/**
 * Minimum of a measure of risk over a set of the caller's.
 *
 * @param pool rows of the same measure that earlier minima needed
 */
export function minimumRiskOver(
  name: RiskName,
  input: ObjectiveInput,
  set: FeasibleSet,
  pool?: PiecePool,
): Minimum {
  return riskMinimum(name, input, set, -1, undefined, pool);
}

/**
 * Maximum of `return - riskAversion × risk`, both of one period, such as mean less CVaR; of volatility half the variance counts,
 * both annual. Of semi-deviation and the ulcer index it is the square.
 */
export function maximumUtility(input: ObjectiveInput): Answer {
  const { market, limits, options } = input;
  if (!(options.riskAversion > 0))
    throw optionError("risk-aversion", "a number above 0", options.riskAversion);
  if (options.riskMeasure === "volatility") return maximumVarianceUtility(input);
  const set = feasibleSet(limits, market);
  const linear = set.netReturn.map((value) => -value / market.periodsPerYear / options.riskAversion);
  const minimum = riskMinimum(options.riskMeasure, input, set, -1, linear);
  return answerOf({ ...minimum, objective: minimum.objective * options.riskAversion }, set);
}

function riskMinimum(
  name: RiskName,
  { market, limits, options }: ObjectiveInput,
  set: FeasibleSet,
  scaleAt: number,
  linear = new Float64Array(set.size),
  pool?: PiecePool,
): Minimum {
  if (name === "volatility")
    return minimiseQuadratic(
      set,
      { ...market.covariance, data: market.covariance.data.map((value) => 2 * value) },
      null,
    );
  const returns = market.scenarios;
  // With so few scenarios EVaR is the loss of the worst one, as CVaR is, and has no second derivative any more.
  if (name === "evar" && (1 - options.level) * returns.columns <= 1)
    return riskMinimum("worst", { market, limits, options }, set, scaleAt, linear, pool);
  if (name === "evar") {
    const smooth = entropicRisk(returns, options.level);
    return minimise({ set, smooth, linear, start: nearestToEqual(set), tolerance: 1e-7 });
  }
  const measure = scenarioMeasure(name, options) as ScenarioMeasure;
  const scenario = { measure, returns, factor: 1, scaleAt, ...(pool ? { pool } : {}) };
  return minimise({ set, linear, scenario, tolerance: 1e-7 });
}

/** A measure of risk of given weights; the units are those in which it is minimised, roots of squares taken. */
export function riskOf(name: RiskName, { market, options }: ObjectiveInput, weights: Float64Array): number {
  if (name === "volatility") return portfolioVolatility(market, weights);
  const measure = scenarioMeasure(name, options);
  const scenarios = new Scenarios(
    market.scenarios,
    measure ?? { loss: "return", statistic: { name: "largest" } },
  );
  const { losses } = scenarios.losses(weights);
  if (measure === null)
    return entropicValueAtRisk(
      losses.map((value) => -value),
      options.level,
    ).value;
  return riskInUnits(name, options, statisticOf(losses, measure.statistic));
}

/** What is minimised for a measure, in the units in which it is told: roots of squares, deviations on both sides. */
export function riskInUnits(name: RiskName, options: ObjectiveOptions, value: number): number {
  if (name === "mad") return 2 * value; // deviations below the mean are half of all
  const root = name === "volatility" || scenarioMeasure(name, options)?.statistic.name === "mean-square";
  return root ? Math.sqrt(Math.max(0, value)) : value;
}
