/** What a portfolio would have done on the scenarios, rebalanced to its weights every period. */
import { type Matrix, mean, multiplyTransposedVector } from "../../base/index.ts";
import { measuresOf, seriesMeasureNames } from "./measures/series.ts";
import { portfolioVolatility, volatilities } from "./objectives/variance.ts";
import type { Market } from "./problem.ts";
import type { Measures } from "./schema.ts";

export interface MeasureOptions {
  readonly level: number;
  readonly minimumReturn: number;
  readonly drawdown: "compounded" | "uncompounded";
}

/** @param weights `[assets]` */
export function portfolioMeasures(market: Market, weights: Float64Array, options: MeasureOptions): Measures {
  const { periodsPerYear, riskFree } = market;
  const { level, minimumReturn, drawdown } = options;
  const returns = scenarioReturns(market.scenarios, weights);
  const series = measuresOf(returns, { periodsPerYear, riskFree, level, minimumReturn, drawdown });
  const average = mean(returns);
  let squares = 0;
  for (const weight of weights) squares += weight * weight;
  const own = volatilities(market);
  const volatility = portfolioVolatility(market, weights);
  const measures = {
    ...series,
    semiDeviation: Math.sqrt(mean(returns.map((value) => Math.min(0, value - minimumReturn) ** 2))),
    meanAbsoluteDeviation: mean(returns.map((value) => Math.abs(value - average))),
    diversificationRatio:
      volatility > 0 ? weights.reduce((sum, weight, i) => sum + weight * own[i], 0) / volatility : 1,
    effectiveAssets: squares > 0 ? 1 / squares : 0,
  };
  // Ratios without a denominator have no number, and JSON no infinity.
  const finite = { ...measures } as { -readonly [K in keyof Measures]: Measures[K] };
  for (const name of seriesMeasureNames) finite[name] = Number.isFinite(series[name]) ? series[name] : null;
  return finite;
}

/** Portfolio returns of every scenario, `[scenarios]`. */
export function scenarioReturns(scenarios: Matrix, weights: Float64Array): Float64Array {
  return multiplyTransposedVector(scenarios, weights);
}
