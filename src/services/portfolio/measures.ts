/** What a portfolio would have done on the scenarios, rebalanced to its weights every period. */
import { mean, quantile, standardDeviation } from "../../base/index.ts";
import { scenarioReturns } from "./constraints/feasible.ts";
import { entropicValueAtRisk } from "./objectives/smooth.ts";
import { portfolioVolatility, volatilities } from "./objectives/variance.ts";
import type { Market } from "./problem.ts";
import type { Measures } from "./schema.ts";
import { tailMean } from "./solvers/scenario-measures.ts";

export interface MeasureOptions {
  readonly level: number;
  readonly minimumReturn: number;
  readonly drawdown: "compounded" | "uncompounded";
}

/** @param weights `[assets]` */
export function portfolioMeasures(
  market: Market,
  weights: Float64Array,
  { level, minimumReturn, drawdown }: MeasureOptions,
): Measures {
  const { periodsPerYear, riskFree } = market;
  const returns = scenarioReturns(market.scenarios, weights);
  const losses = returns.map((value) => -value);
  const fallen = drawdowns(returns, drawdown);
  const average = mean(returns);
  const deviation = standardDeviation(returns);
  const semiDeviation = Math.sqrt(mean(returns.map((value) => Math.min(0, value - minimumReturn) ** 2)));
  const excess = average * periodsPerYear - riskFree;
  let growth = 0;
  for (const value of returns) growth += Math.log1p(Math.max(value, -1));
  let squares = 0;
  for (const weight of weights) squares += weight * weight;
  const root = Math.sqrt(periodsPerYear);
  const own = volatilities(market);
  const volatility = portfolioVolatility(market, weights);
  return {
    meanReturnAnnual: average * periodsPerYear,
    growthAnnual: Math.expm1((growth / returns.length) * periodsPerYear),
    volatilityAnnual: deviation * root,
    sharpe: deviation > 0 ? excess / (deviation * root) : null,
    sortino: semiDeviation > 0 ? excess / (semiDeviation * root) : null,
    semiDeviation,
    meanAbsoluteDeviation: mean(returns.map((value) => Math.abs(value - average))),
    valueAtRisk: quantile(losses, level),
    cvar: tailMean(losses, level),
    evar: entropicValueAtRisk(returns, level).value,
    worst: Math.max(...losses),
    maxDrawdown: Math.max(...fallen),
    averageDrawdown: mean(fallen),
    cdar: tailMean(fallen, level),
    ulcerIndex: Math.sqrt(mean(fallen.map((value) => value * value))),
    diversificationRatio:
      volatility > 0 ? weights.reduce((sum, weight, i) => sum + weight * own[i], 0) / volatility : 1,
    effectiveAssets: squares > 0 ? 1 / squares : 0,
  };
}

/**
 * The drawdown of every period from the highest value so far, the start included: of wealth `Π (1 + r)`, as a share of the
 * peak, or of summed returns.
 *
 * @example
 * Array.from(drawdowns(Float64Array.of(0.5, -0.5, 0.25), "uncompounded")); // => [0, 0.5, 0.25]
 */
export function drawdowns(
  returns: Float64Array,
  kind: "compounded" | "uncompounded" = "compounded",
): Float64Array {
  let value = kind === "compounded" ? 1 : 0;
  let high = value;
  return returns.map((one) => {
    value = kind === "compounded" ? value * (1 + one) : value + one;
    high = Math.max(high, value);
    return kind === "compounded" ? 1 - value / high : high - value;
  });
}
