/** Every estimator by the name that a request gives it. All of them answer in annual units. */
import type { Matrix } from "../../../base/index.ts";
import type { ReturnPanel } from "../returns.ts";
import { type CovarianceOptions, completeCovarianceEstimators } from "./covariance/table.ts";
import { arithmeticReturns, capmReturns, geometricReturns, weightedReturns } from "./expected-returns.ts";
import { meanReturns, sampleCovariance } from "./moments.ts";
import { bayesSteinMeans, jamesSteinMeans, type ShrunkMeans } from "./returns/shrunk-means.ts";

export interface EstimatorOptions extends CovarianceOptions {
  readonly periodsPerYear: number;
  /** Annual. */
  readonly riskFree: number;
  /** Of exponential weights, in periods. */
  readonly span: number;
  /** Returns of the market, `[periods]`, for models that have one; by default the mean of the assets. */
  readonly market?: Float64Array;
}

/** Annual expected simple returns `[assets]`. */
export type ExpectedReturnsEstimator = (panel: ReturnPanel, options: EstimatorOptions) => Float64Array;

/** An annual covariance `[assets, assets]`, and what there is to say about it. */
export interface CovarianceEstimate {
  readonly covariance: Matrix;
  readonly warnings: readonly string[];
}

export type CovarianceEstimator = (panel: ReturnPanel, options: EstimatorOptions) => CovarianceEstimate;

export const expectedReturnsEstimators = {
  mean: arithmeticReturns,
  geometric: geometricReturns,
  ewm: weightedReturns,
  capm: capmReturns,
  "james-stein": shrunkMeans(jamesSteinMeans),
  "bayes-stein": shrunkMeans(bayesSteinMeans),
} as const satisfies Record<string, ExpectedReturnsEstimator>;

export const covarianceEstimators = {
  sample: (panel, options) => annual(sampleCovariance(panel, "pairwise"), options),
  "sample-complete": (panel, options) => annual(sampleCovariance(panel, "complete"), options),
  ...completeCovarianceEstimators,
} as const satisfies Record<string, CovarianceEstimator>;

export type ExpectedReturnsName = keyof typeof expectedReturnsEstimators;
export type CovarianceName = keyof typeof covarianceEstimators;

function annual(covariance: Matrix, { periodsPerYear }: EstimatorOptions): CovarianceEstimate {
  const data = covariance.data.map((value) => value * periodsPerYear);
  return { covariance: { ...covariance, data }, warnings: [] };
}

export const expectedReturnsNames = Object.keys(expectedReturnsEstimators) as ExpectedReturnsName[];
export const covarianceNames = Object.keys(covarianceEstimators) as CovarianceName[];

/** Arithmetic means, shrunk with the covariance of all periods that the assets share and the mean number of them. */
function shrunkMeans(
  shrink: (means: Float64Array, covariance: Matrix, observations: number) => ShrunkMeans,
): ExpectedReturnsEstimator {
  return (panel, { periodsPerYear }) => {
    const present = panel.returns.data.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
    const { means } = shrink(
      meanReturns(panel),
      sampleCovariance(panel, "pairwise"),
      present / panel.assets.length,
    );
    return means.map((mean) => mean * periodsPerYear);
  };
}
