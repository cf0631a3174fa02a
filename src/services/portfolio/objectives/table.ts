/** Every objective by the name that a request gives it. */
import { matrix } from "../../../base/index.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import { minimise } from "../solvers/minimise.ts";
import type { Answer, ObjectiveInput } from "./input.ts";
import { riskParity } from "./risk-parity.ts";
import { kelly, maximumRatio, minimumRisk } from "./scenario.ts";
import {
  maximumDecorrelation,
  maximumDiversification,
  maximumReturn,
  maximumSharpe,
  maximumUtility,
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
  "max-utility": { summary: "most return less risk aversion times half the variance", solve: maximumUtility },
  "max-return": {
    summary: "most expected return; with a target volatility, at that risk",
    solve: maximumReturn,
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

/** Weights in proportion to `shares`, or the nearest that the constraints allow, with a warning. */
function nearestTo({ market, limits }: ObjectiveInput, shares: Float64Array): Answer {
  const total = shares.reduce((sum, value) => sum + value, 0);
  const wanted = shares.map((value) => (value * (limits.netExposure ?? 1)) / total);
  const set = feasibleSet(limits, market);
  const quadratic = matrix(set.size, set.size);
  const linear = new Float64Array(set.size);
  for (let i = 0; i < set.size; i++) {
    quadratic.data[i * set.size + i] = i < set.assets ? 1 : 1e-9;
    if (i < set.assets) linear[i] = -wanted[i];
  }
  const { x, certificate } = minimise({ set, quadratic, linear });
  let distance = 0;
  for (let i = 0; i < set.assets; i++) distance = Math.max(distance, Math.abs(x[i] - wanted[i]));
  const exact = distance < 1e-7;
  return {
    weights: exact ? wanted : x.slice(0, set.assets),
    certificate: exact ? { method: "closed form", gap: 0, tolerance: 0 } : certificate,
    objective: distance,
    warnings: exact
      ? []
      : [
          `the constraints do not allow these weights: the nearest ones differ by up to ${distance.toFixed(4)}`,
        ],
  };
}
