/** Every estimator by the name that a request gives it. All of them answer in annual units. */
import type { Matrix } from "../../../base/index.ts";
import type { ReturnPanel } from "../returns.ts";
import { arithmeticReturns, capmReturns, geometricReturns, weightedReturns } from "./expected-returns.ts";
import { sampleCovariance } from "./moments.ts";

export interface EstimatorOptions {
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
} as const satisfies Record<string, ExpectedReturnsEstimator>;

export const covarianceEstimators = {
  sample: (panel, options) => annual(sampleCovariance(panel, "pairwise"), options),
  "sample-complete": (panel, options) => annual(sampleCovariance(panel, "complete"), options),
} as const satisfies Record<string, CovarianceEstimator>;

export type ExpectedReturnsName = keyof typeof expectedReturnsEstimators;
export type CovarianceName = keyof typeof covarianceEstimators;

function annual(covariance: Matrix, { periodsPerYear }: EstimatorOptions): CovarianceEstimate {
  const data = covariance.data.map((value) => value * periodsPerYear);
  return { covariance: { ...covariance, data }, warnings: [] };
}

export const expectedReturnsNames = Object.keys(expectedReturnsEstimators) as ExpectedReturnsName[];
export const covarianceNames = Object.keys(covarianceEstimators) as CovarianceName[];
