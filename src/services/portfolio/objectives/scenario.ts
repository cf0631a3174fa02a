/** Objectives on scenarios: tail means, drawdowns, deviations, entropic value at risk, growth. */
import type { FeasibleSet } from "../constraints/feasible.ts";
import { feasibleSet, optionError } from "../constraints/feasible.ts";
import { type Minimum, minimise, nearestToEqual } from "../solvers/minimise.ts";
import type { ScenarioMeasure } from "../solvers/scenario-measures.ts";
import type { Answer, ObjectiveInput, ObjectiveOptions, RiskName } from "./input.ts";
import { entropicRisk, growth } from "./smooth.ts";
import { answerOf, minimiseQuadratic, ratio } from "./variance.ts";

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

/** Minimum of a measure of risk over a set of the caller's. */
export function minimumRiskOver(name: RiskName, input: ObjectiveInput, set: FeasibleSet): Minimum {
  return riskMinimum(name, input, set, -1);
}

function riskMinimum(
  name: RiskName,
  { market, options }: ObjectiveInput,
  set: FeasibleSet,
  scaleAt: number,
): Minimum {
  if (name === "volatility")
    return minimiseQuadratic(
      set,
      { ...market.covariance, data: market.covariance.data.map((value) => 2 * value) },
      null,
    );
  const returns = market.scenarios;
  if (name === "evar") {
    const smooth = entropicRisk(returns, options.level);
    return minimise({ set, smooth, start: nearestToEqual(set), tolerance: 1e-7 });
  }
  const measure = scenarioMeasure(name, options) as ScenarioMeasure;
  return minimise({ set, scenario: { measure, returns, factor: 1, scaleAt }, tolerance: 1e-7 });
}
