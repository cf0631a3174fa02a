/** Every objective by the name that a request gives it. */
import { equalRiskClusters, nestedOptimisation, riskParityTree } from "./hierarchical.ts";
import type { Answer, ObjectiveInput } from "./input.ts";
import { nearestTo } from "./nearest.ts";
import { riskParity } from "./risk-parity.ts";
import { kelly, maximumRatio, maximumUtility, minimumRisk } from "./scenario.ts";
import { maximumReturnAtRisk } from "./target-risk.ts";
import {
  maximumDecorrelation,
  maximumDiversification,
  maximumReturn,
  maximumSharpe,
  minimumTrackingError,
  minimumVariance,
  robustBox,
  robustEllipsoid,
  volatilities,
} from "./variance.ts";

export interface Objective {
  readonly summary: string;
  readonly solve: (input: ObjectiveInput) => Answer;
}

export const objectives = {
  "min-volatility": { summary: "least volatility", solve: minimumVariance },
  "max-sharpe": { summary: "most excess return for each unit of volatility", solve: maximumSharpe },
  "max-utility": { summary: "most return less risk aversion times a measure of risk", solve: maximumUtility },
  "max-return": {
    summary: "most expected return; with a target volatility or risk, at most that risk",
    solve: (input) =>
      input.options.targetRisk === undefined
        ? maximumReturn(input)
        : maximumReturnAtRisk(input, input.options.targetRisk),
  },
  "max-ratio": {
    summary: "most excess return for each unit of another measure of risk",
    solve: maximumRatio,
  },
  "max-diversification": {
    summary: "largest mean volatility of the assets over that of the portfolio",
    solve: maximumDiversification,
  },
  "max-decorrelation": { summary: "least correlation between what is held", solve: maximumDecorrelation },
  "risk-parity": { summary: "risk shared out equally, or by budgets", solve: riskParity },
  "min-cvar": { summary: "least mean loss of the worst periods", solve: minimumRisk("cvar") },
  "min-evar": { summary: "least entropic value at risk", solve: minimumRisk("evar") },
  "min-worst": { summary: "least loss of the worst period", solve: minimumRisk("worst") },
  "min-mad": { summary: "least mean absolute deviation", solve: minimumRisk("mad") },
  "min-semi-deviation": {
    summary: "least root mean square of returns below a minimum",
    solve: minimumRisk("semi-deviation"),
  },
  "min-cdar": { summary: "least mean of the worst drawdowns", solve: minimumRisk("cdar") },
  "min-max-drawdown": { summary: "least maximum drawdown", solve: minimumRisk("max-drawdown") },
  "min-average-drawdown": { summary: "least average drawdown", solve: minimumRisk("average-drawdown") },
  "min-ulcer": { summary: "least ulcer index: root mean square drawdown", solve: minimumRisk("ulcer") },
  kelly: { summary: "most growth: the largest mean logarithm", solve: kelly },
  "min-tracking-error": { summary: "nearest to a benchmark", solve: minimumTrackingError },
  "robust-box": {
    summary: "most utility when each expected return may be off by its standard error",
    solve: robustBox,
  },
  "robust-ellipsoid": {
    summary: "most utility when expected returns may be off jointly",
    solve: robustEllipsoid,
  },
  hrp: {
    summary: "hierarchical risk parity: halves of the tree share by inverse risk",
    solve: riskParityTree,
  },
  herc: {
    summary: "hierarchical equal risk contribution: clusters share by inverse risk",
    solve: equalRiskClusters,
  },
  nco: {
    summary: "nested clusters: least variance inside of clusters, then between them",
    solve: nestedOptimisation,
  },
  "equal-weight": {
    summary: "the same weight for every asset",
    solve: (input) => nearestTo(input, new Float64Array(input.market.assets.length).fill(1)),
  },
  "inverse-volatility": {
    summary: "weights in proportion to one over volatility",
    solve: (input) =>
      nearestTo(
        input,
        volatilities(input.market).map((value) => 1 / value),
      ),
  },
} as const satisfies Record<string, Objective>;

export type ObjectiveName = keyof typeof objectives;
export const objectiveNames = Object.keys(objectives) as ObjectiveName[];
