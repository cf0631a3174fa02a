/** Expected returns that need nothing but past returns: arithmetic, geometric, exponentially weighted, CAPM. Annual. */
import { matrix, PlatformError } from "../../../base/index.ts";
import type { ReturnPanel } from "../returns.ts";
import { meanReturns, sampleCovariance } from "./moments.ts";
import type { EstimatorOptions } from "./table.ts";

/** The arithmetic mean times the periods of a year. */
export function arithmeticReturns(panel: ReturnPanel, { periodsPerYear }: EstimatorOptions): Float64Array {
  return meanReturns(panel).map((mean) => mean * periodsPerYear);
}

/** The growth rate: `Π (1 + r)^(periods per year / n) - 1`. */
export function geometricReturns(panel: ReturnPanel, { periodsPerYear }: EstimatorOptions): Float64Array {
  const { columns, data } = panel.returns;
  return Float64Array.from(panel.assets, (_, i) => {
    let growth = 1;
    let count = 0;
    for (let t = i * columns; t < (i + 1) * columns; t++) {
      if (Number.isNaN(data[t])) continue;
      growth *= 1 + data[t];
      count++;
    }
    return growth ** (periodsPerYear / count) - 1;
  });
}

/**
 * The exponentially weighted mean, compounded over a year. Weights fall by `1 - 2 / (span + 1)` from one period to the one
 * before and add up to one; a period without a return has none but still ages those before it (pandas' `ewm(span).mean()`).
 */
export function weightedReturns(
  panel: ReturnPanel,
  { periodsPerYear, span }: EstimatorOptions,
): Float64Array {
  if (!(span >= 1))
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `span: expected at least 1 period, received ${span}`,
      { field: "span" },
    );
  const { columns, data } = panel.returns;
  const decay = 1 - 2 / (span + 1);
  return Float64Array.from(panel.assets, (_, i) => {
    let sum = 0;
    let total = 0;
    for (let t = 0; t < columns; t++) {
      sum *= decay;
      total *= decay;
      const value = data[i * columns + t];
      if (Number.isNaN(value)) continue;
      sum += value;
      total += 1;
    }
    return (1 + sum / total) ** periodsPerYear - 1;
  });
}

/**
 * The capital asset pricing model (Sharpe 1964): `rf + beta (market - rf)`. The market is given, or the equally weighted mean
 * of the assets that have a return in each period; its own return is its growth rate.
 */
export function capmReturns(panel: ReturnPanel, options: EstimatorOptions): Float64Array {
  const { rows, columns, data } = panel.returns;
  const market = options.market ?? equalMean(panel);
  const both = matrix(rows + 1, columns);
  both.data.set(data);
  both.data.set(market, rows * columns);
  const joined = { ...panel, assets: [...panel.assets, "market"], returns: both };
  const covariance = sampleCovariance(joined).data;
  const variance = covariance[rows * (rows + 1) + rows];
  const marketReturn = geometricReturns(
    { ...panel, assets: ["market"], returns: matrix(1, columns, Float64Array.from(market)) },
    options,
  )[0];
  return Float64Array.from(panel.assets, (_, i) => {
    const beta = covariance[rows * (rows + 1) + i] / variance;
    return options.riskFree + beta * (marketReturn - options.riskFree);
  });
}

function equalMean({ returns: { rows, columns, data } }: ReturnPanel): Float64Array {
  return Float64Array.from({ length: columns }, (_, t) => {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < rows; i++) {
      const value = data[i * columns + t];
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  });
}
