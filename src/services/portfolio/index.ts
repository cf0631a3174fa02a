import type { Capability } from "../../base/index.ts";
import { portfolioAllocate, portfolioFrontier, portfolioOptimize } from "./capabilities.ts";

export {
  type Allocation,
  type AllocationProblem,
  allocateExactly,
  allocateGreedily,
} from "./allocate.ts";
export { portfolioAllocate, portfolioFrontier, portfolioOptimize } from "./capabilities.ts";
export { type FeasibleSet, feasibleSet } from "./constraints/feasible.ts";
export { type Explanation, explainInfeasible } from "./constraints/infeasible.ts";
export { defaultLimits, type Limits } from "./constraints/limits.ts";
export { type Relation, readRelations } from "./constraints/words.ts";
export { type EstimateOptions, estimateMarket, periodsOfYear } from "./estimate.ts";
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
export { efficientFrontier, type FrontierPoint } from "./frontier.ts";
export { drawdowns, type MeasureOptions, portfolioMeasures } from "./measures.ts";
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

/** What the interfaces offer of this service. */
export const portfolioCapabilities = [
  portfolioOptimize,
  portfolioFrontier,
  portfolioAllocate,
] as unknown as readonly Capability[];
