/** What every objective and constraint is stated on. */
import type { Matrix } from "../../base/index.ts";

/** A portfolio problem without its objective: assets, what is expected of them, and what happened to them. */
export interface Market {
  readonly assets: readonly string[];
  /** Annual, `[assets]`. */
  readonly expectedReturns: Float64Array;
  /** Annual, `[assets, assets]`. */
  readonly covariance: Matrix;
  /** `[assets, assets]`, made when asked for, where it is not that of the covariance: histories of different lengths. */
  readonly correlation?: (() => Matrix) | undefined;
  /** Returns of complete periods, `[assets, scenarios]`, equally likely: what CVaR and drawdowns are measured on. */
  readonly scenarios: Matrix;
  readonly periodsPerYear: number;
  /** Annual. */
  readonly riskFree: number;
}

/** How far an answer can be from the best one, as the solver proved it. */
export interface Certificate {
  readonly method: string;
  /** A bound on objective minus optimum, relative to `max(1, |objective|)` unless the method says otherwise. */
  readonly gap: number;
  readonly tolerance: number;
  readonly iterations?: number;
}
