/** The constraints of a request, by name, before they become rows. Weights are shares of the portfolio's value. */
export interface Limits {
  readonly minWeight: number;
  readonly maxWeight: number;
  /** Bounds of single assets, instead of the two above. */
  readonly bounds?: Readonly<Record<string, readonly [number, number]>> | undefined;
  /** The sum of all weights; null leaves it open. */
  readonly netExposure: number | null;
  /** Most of the sum of absolute weights. */
  readonly grossLimit?: number | undefined;
  readonly groups?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Loadings of each asset on each factor; assets that are not named have none. */
  readonly factors?: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined;
  /** Constraints in words. */
  readonly constraints: readonly string[];
  /** Weights held before; assets that are not named have none. */
  readonly holdings?: Readonly<Record<string, number>> | undefined;
  /** Most of the sum of absolute changes: what is bought plus what is sold. */
  readonly turnoverLimit?: number | undefined;
  /** Cost of a trade, in basis points of its value; paid once, out of the expected return of a year. */
  readonly costBps?: number | undefined;
  /** Cost of market impact: `impact × change²` of each asset, as a share of the portfolio. */
  readonly impact?: number | undefined;
  readonly benchmark?: Readonly<Record<string, number>> | undefined;
  /** Annual. */
  readonly trackingErrorLimit?: number | undefined;
  /** Most that a weight may differ from the benchmark's. */
  readonly activeLimit?: number | undefined;
  /** Most of each asset's share of the variance, in a convex form that is exact near the weights `around`. */
  readonly riskShares?: { readonly limit: number; readonly around: Float64Array } | undefined;
  /** Annual. */
  readonly targetReturn?: number | undefined;
  /** Annual. */
  readonly targetVolatility?: number | undefined;
}

export const defaultLimits: Limits = { minWeight: 0, maxWeight: 1, netExposure: 1, constraints: [] };

/** Names with a meaning of their own in constraints in words. */
export const reservedNames = ["net", "gross", "short", "turnover"] as const;
