export { meanReturns, sampleCovariance } from "./estimators/moments.ts";
export {
  type CovarianceEstimate,
  type CovarianceEstimator,
  type CovarianceName,
  covarianceEstimators,
  type EstimatorOptions,
  type ExpectedReturnsEstimator,
  type ExpectedReturnsName,
  expectedReturnsEstimators,
} from "./estimators/table.ts";
export { type PanelOptions, type PricePanel, pricePanel, selectAssets } from "./prices.ts";
export type { Certificate, Market } from "./problem.ts";
export {
  completePeriods,
  completeReturns,
  isComplete,
  type ReturnPanel,
  returnPanel,
  simpleReturns,
} from "./returns.ts";
