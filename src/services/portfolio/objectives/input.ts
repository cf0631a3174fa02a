/** What every objective gets and gives. */
import type { Limits } from "../constraints/limits.ts";
import type { DistanceName } from "../hierarchical/distances.ts";
import type { Linkage } from "../hierarchical/linkage.ts";
import type { Certificate, Market } from "../problem.ts";

export interface ObjectiveOptions {
  /** Confidence of CVaR, CDaR and EVaR, inside (0, 1). */
  readonly level: number;
  /** Of utility: `return - riskAversion / 2 × variance`. */
  readonly riskAversion: number;
  /** Adds `l2 × Σ w²` to a variance that is minimised. */
  readonly l2: number;
  /** Return of one period below which it counts as a loss in semi-variance. */
  readonly minimumReturn: number;
  /** Shares of risk by symbol; equal ones when absent. */
  readonly riskBudgets?: Readonly<Record<string, number>> | undefined;
  /** Size of the uncertainty set of expected returns, in standard errors. */
  readonly uncertainty: number;
  /** Which risk `max-ratio`, `max-utility` and `risk-parity` measure. */
  readonly riskMeasure: RiskName;
  /** Most of that risk, for `max-return`; in the units of the measure. */
  readonly targetRisk?: number | undefined;
  /** Of the tree of hierarchical objectives; single linkage for HRP and Ward's for the others when absent. */
  readonly linkage?: Linkage | undefined;
  /** Between assets; angular when absent. */
  readonly distance?: DistanceName | undefined;
  /** How many clusters HERC and NCO make; found from the tree when absent. */
  readonly clusters?: number | undefined;
}

/** The measures of risk that can be minimised, divided by, or shared out. */
export const riskNames = [
  "volatility",
  "semi-deviation",
  "mad",
  "cvar",
  "evar",
  "worst",
  "cdar",
  "max-drawdown",
  "average-drawdown",
  "ulcer",
] as const;
export type RiskName = (typeof riskNames)[number];

export interface ObjectiveInput {
  readonly market: Market;
  readonly limits: Limits;
  readonly options: ObjectiveOptions;
}

export interface Answer {
  /** `[assets]` */
  readonly weights: Float64Array;
  readonly certificate: Certificate;
  /** The value of the objective that was minimised. */
  readonly objective: number;
  readonly warnings: readonly string[];
}

export const defaultOptions: ObjectiveOptions = {
  level: 0.95,
  riskAversion: 1,
  l2: 0,
  minimumReturn: 0,
  uncertainty: 1,
  riskMeasure: "volatility",
};
