import type { Capability } from "../../base/index.ts";
import {
  portfolioAllocate,
  portfolioAttribution,
  portfolioBacktest,
  portfolioCompare,
  portfolioFrontier,
  portfolioOptimize,
} from "./capabilities.ts";

export {
  type Allocation,
  type AllocationProblem,
  allocateExactly,
  allocateGreedily,
} from "./allocate.ts";
export { type Attribution, brinsonFachler, type GroupEffects } from "./attribution/brinson.ts";
export { type RiskAttribution, riskAttribution } from "./attribution/risk.ts";
export { AttributionInput, AttributionOutput } from "./attribution/schema.ts";
export {
  portfolioAllocate,
  portfolioAttribution,
  portfolioBacktest,
  portfolioCompare,
  portfolioFrontier,
  portfolioOptimize,
} from "./capabilities.ts";
export { feasibleSet } from "./constraints/feasible.ts";
export type { FeasibleSet } from "./constraints/feasible-set.ts";
export { type Explanation, explainInfeasible } from "./constraints/infeasible.ts";
export { defaultLimits, type Limits } from "./constraints/limits.ts";
export { type Relation, readRelations } from "./constraints/words.ts";
export { drawdowns } from "./drawdowns.ts";
export { type EstimateOptions, estimateMarket, periodsOfYear } from "./estimate.ts";
export { type FactorModel, factorModel, principalFactorModel } from "./estimators/covariance/factor-model.ts";
export { gerberCovariance } from "./estimators/covariance/gerber.ts";
export { type GraphicalLasso, graphicalLasso } from "./estimators/covariance/graphical-lasso.ts";
export { nearestPositiveDefinite, type Repaired } from "./estimators/covariance/nearest.ts";
export { nonlinearShrinkage } from "./estimators/covariance/nonlinear-shrinkage.ts";
export { pairwiseCorrelation } from "./estimators/covariance/pairwise.ts";
export { type Denoised, denoise, detone } from "./estimators/covariance/random-matrix.ts";
export {
  ledoitWolfConstantCorrelation,
  ledoitWolfConstantVariance,
  ledoitWolfSingleFactor,
  oracleApproximating,
  type Shrunk,
} from "./estimators/covariance/shrinkage.ts";
export type { CovarianceOptions } from "./estimators/covariance/table.ts";
export { semiCovariance, weightedCovariance } from "./estimators/covariance/weighted.ts";
export { meanReturns, sampleCovariance } from "./estimators/moments.ts";
export {
  type BlackLitterman,
  type BlackLittermanOptions,
  blackLitterman,
  equilibriumReturns,
} from "./estimators/returns/black-litterman.ts";
export {
  type EntropyPooling,
  entropyPooling,
  meanView,
  momentsUnder,
  type ScenarioView,
  tailView,
  volatilityView,
} from "./estimators/returns/entropy-pooling.ts";
export {
  type ForecastReturns,
  forecastReturns,
  forecastViews,
  type ReturnForecast,
} from "./estimators/returns/forecasts.ts";
export { bayesSteinMeans, jamesSteinMeans, type ShrunkMeans } from "./estimators/returns/shrunk-means.ts";
export { parseView, type View } from "./estimators/returns/views.ts";
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
export { efficientFrontier, type FrontierPoint } from "./frontier.ts";
export {
  type ClusterRisk,
  naiveRiskParity,
  scenarioRisk,
  varianceRisk,
  volatilityRisk,
} from "./hierarchical/cluster-risk.ts";
export { clusterCount } from "./hierarchical/clusters.ts";
export { type DistanceName, distanceMatrix, distancesOfRows } from "./hierarchical/distances.ts";
export {
  type ClusteredWeights,
  hierarchicalEqualRiskContribution,
} from "./hierarchical/equal-risk-contribution.ts";
export { type Hierarchy, type HierarchyOptions, hierarchyOf } from "./hierarchical/hierarchy.ts";
export {
  cutTree,
  type Linkage,
  leavesOf,
  linkage,
  linkages,
  type Merge,
  optimallyOrdered,
  type Tree,
} from "./hierarchical/linkage.ts";
export { type Allocate, nestedClusters } from "./hierarchical/nested-clusters.ts";
export { type HierarchicalWeights, hierarchicalRiskParity } from "./hierarchical/risk-parity.ts";
export {
  automaticBlockLength,
  type BootstrapOptions,
  bootstrapIntervals,
  type Interval,
} from "./measures/bootstrap.ts";
export {
  defaultSeriesOptions,
  measureOf,
  measuresOf,
  type SeriesMeasureName,
  type SeriesMeasures,
  type SeriesOptions,
  seriesMeasures,
} from "./measures/series.ts";
export {
  deflatedSharpe,
  expectedMaximumSharpe,
  type OverfittingProbability,
  overfittingProbability,
  probabilisticSharpe,
  type SharpeSample,
  sharpeSample,
} from "./measures/sharpe-inference.ts";
export {
  combinatorialSplits,
  purgedKFoldSplits,
  type Range,
  type Split,
  walkForwardSplits,
} from "./measures/splits.ts";
export { type MeasureOptions, portfolioMeasures } from "./measures.ts";
export {
  type Answer,
  defaultOptions,
  type ObjectiveInput,
  type ObjectiveOptions,
  type RiskName,
  riskNames,
} from "./objectives/input.ts";
export { riskContributions } from "./objectives/risk-parity.ts";
export { riskOf } from "./objectives/scenario.ts";
export { type Objective, type ObjectiveName, objectiveNames, objectives } from "./objectives/table.ts";
export { portfolioVolatility } from "./objectives/variance.ts";
export {
  type BestRebalanced,
  bestAsset,
  bestConstantlyRebalanced,
  buyAndHold,
  constantlyRebalanced,
} from "./online/benchmarks.ts";
export {
  exponentiatedGradient,
  movingAverageReversion,
  robustMedianReversion,
  universalPortfolio,
} from "./online/learners.ts";
export { type OnlineResult, type PriceRelatives, projectToSimplex } from "./online/strategy.ts";
export { type PositionLimits, solveObjective } from "./positions.ts";
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
export {
  AllocateInput,
  AllocateOutput,
  FrontierInput,
  FrontierOutput,
  OptimizeInput,
  OptimizeOutput,
} from "./schema.ts";
export { type Corner, criticalLine, type EfficientProblem } from "./solvers/critical-line.ts";
export { type InteriorPointOptions, solveProgram } from "./solvers/interior-point.ts";
export { type Cone, type Excesses, type Program, type ProgramSolution, program } from "./solvers/program.ts";
export { backtest, compare, type Proof } from "./walk-forward/prove.ts";
export { type ReportFile, reportFiles } from "./walk-forward/report.ts";
export { type MethodRun, type Path, runSplits } from "./walk-forward/run.ts";
export { BacktestInput, CompareInput, type MethodOutput, ProofOutput } from "./walk-forward/schema.ts";
export { type Simulation, simulate, type Trade } from "./walk-forward/simulate.ts";

/** What the interfaces offer of this service. */
export const portfolioCapabilities = [
  portfolioOptimize,
  portfolioFrontier,
  portfolioAllocate,
  portfolioBacktest,
  portfolioCompare,
  portfolioAttribution,
] as unknown as readonly Capability[];
