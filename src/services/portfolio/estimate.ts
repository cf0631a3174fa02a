/** From returns to the market that objectives are stated on: expected returns, covariance, scenarios. */
import {
  choleskyFactor,
  dayMs,
  diagonalMatrix,
  type Matrix,
  multiply,
  symmetricEigen,
  transpose,
} from "../../base/index.ts";
import { pairwiseCorrelation } from "./estimators/covariance/pairwise.ts";
import type { CovarianceOptions } from "./estimators/covariance/table.ts";
import {
  type CovarianceName,
  covarianceEstimators,
  type ExpectedReturnsName,
  expectedReturnsEstimators,
} from "./estimators/table.ts";
import type { Market } from "./problem.ts";
import { completeReturns, type ReturnPanel } from "./returns.ts";

export interface EstimateOptions extends CovarianceOptions {
  readonly expectedReturns?: ExpectedReturnsName;
  readonly covariance?: CovarianceName;
  /** Found from the dates when absent. */
  readonly periodsPerYear?: number | undefined;
  /** Annual. */
  readonly riskFree?: number;
  /** Of exponentially weighted estimators, in periods. */
  readonly span?: number;
}

/** The market of a panel of returns, and what there is to say about it. */
export function estimateMarket(
  panel: ReturnPanel,
  {
    expectedReturns = "mean",
    covariance = "sample",
    periodsPerYear = periodsOfYear(panel.times),
    riskFree = 0,
    span = 500,
    ...rest
  }: EstimateOptions = {},
): { readonly market: Market; readonly warnings: readonly string[] } {
  const options = { ...rest, periodsPerYear, riskFree, span };
  const estimate = covarianceEstimators[covariance](panel, options);
  const complete = completeReturns(panel);
  const repaired = semidefinite(estimate.covariance);
  const warnings = [...panel.warnings, ...estimate.warnings, ...repaired.warnings];
  const periods = complete.returns.columns;
  if (periods <= panel.assets.length && covariance.startsWith("sample"))
    warnings.push(
      `${periods} periods for ${panel.assets.length} assets: the sample covariance is singular; a shrunk one such as ledoit-wolf is safer`,
    );
  warnings.push(...nothingToChoose(panel.assets, repaired.covariance));
  return {
    market: {
      assets: panel.assets,
      expectedReturns: expectedReturnsEstimators[expectedReturns](panel, options),
      covariance: repaired.covariance,
      scenarios: complete.returns,
      correlation:
        covariance === "sample" && complete !== panel ? () => pairwiseCorrelation(panel) : undefined,
      periodsPerYear,
      riskFree,
    },
    warnings,
  };
}

/** Where weights are not determined: a single asset, and assets that move as one. */
function nothingToChoose(assets: readonly string[], { data }: Matrix): string[] {
  const n = assets.length;
  if (n === 1) return [`${assets[0]} is the only asset: there is nothing to choose between`];
  const joined = new Set<number>();
  const out: string[] = [];
  for (let i = 0; i < n; i++) {
    if (joined.has(i)) continue;
    const same = [assets[i]];
    for (let j = i + 1; j < n; j++) {
      const product = data[i * n + i] * data[j * n + j];
      if (!(product > 0) || data[i * n + j] < (1 - 1e-10) * Math.sqrt(product)) continue;
      same.push(assets[j]);
      joined.add(j);
    }
    if (same.length > 1)
      out.push(
        `${same.join(" and ")} have a correlation of 1: the covariance is singular, and how weight is shared between them may be arbitrary`,
      );
  }
  return out;
}

/**
 * Periods in a year by the typical distance of dates: 252 for trading days, 365 where weekends are dates too, 52 weeks, 12
 * months, 4 quarters, 1 year; shorter ones by their number in a year of trading.
 */
export function periodsOfYear(times: Float64Array): number {
  if (times.length < 2) return 252;
  const steps = Float64Array.from({ length: times.length - 1 }, (_, i) => times[i + 1] - times[i]).sort();
  const days = steps[Math.floor(steps.length / 2)] / dayMs;
  if (days > 250) return 1;
  if (days > 60) return 4;
  if (days > 20) return 12;
  if (days > 4) return 52;
  if (days > 0.9) return steps[Math.floor(steps.length * 0.97)] / dayMs > 1.5 ? 252 : 365;
  return Math.round((365 * 24) / (days * 24));
}

/** The matrix, or the nearest positive semi-definite one (negative eigenvalues set to 0; Higham 1988), and how far it moved. */
function semidefinite(covariance: Matrix): { readonly covariance: Matrix; readonly warnings: string[] } {
  if (choleskyFactor(covariance) !== null) return { covariance, warnings: [] };
  const { values, vectors } = symmetricEigen(covariance);
  const largest = values[values.length - 1];
  if (values[0] > -1e-12 * largest) return { covariance, warnings: [] }; // singular up to rounding, which solvers accept
  const clipped = values.map((value) => Math.max(0, value));
  const repaired = multiply(transpose(vectors), multiply(diagonalMatrix(clipped), vectors));
  const moved = Math.sqrt(values.reduce((sum, value) => sum + Math.min(0, value) ** 2, 0));
  return {
    covariance: repaired,
    warnings: [
      `the covariance was not positive semi-definite (smallest eigenvalue ${values[0].toExponential(1)}): the nearest one that is was taken, at a distance of ${moved.toExponential(1)} (Frobenius)`,
    ],
  };
}
