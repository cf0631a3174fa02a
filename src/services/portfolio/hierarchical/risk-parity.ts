import { type Matrix, PlatformError, type Values } from "../../../base/index.ts";
import { type ClusterRisk, naiveRiskParity, shareOfFirst, varianceRisk } from "./cluster-risk.ts";
import { type Hierarchy, type HierarchyOptions, hierarchyOf } from "./hierarchy.ts";

export interface HierarchicalRiskParityOptions extends HierarchyOptions {
  /** The variance of the covariance by default. */
  readonly risk?: ClusterRisk;
  /** `[assets]`: bounds that every split respects. */
  readonly minimum?: Values;
  readonly maximum?: Values;
}

export interface HierarchicalWeights extends Hierarchy {
  /** `[assets]`, adding up to one. */
  readonly weights: Float64Array;
}

/**
 * Hierarchical risk parity: assets in the order of their tree, halved again and again; each half gets the more, the less risk
 * its inverse-variance portfolio has. No matrix is inverted, so that a singular covariance is no obstacle.
 *
 * @param covariance `[assets, assets]`, positive variances
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the bounds leave no weights that add up to one
 * @see López de Prado (2016), "Building diversified portfolios that outperform out of sample"
 * @example
 * Array.from(hierarchicalRiskParity(matrixFrom([[0.09, 0], [0, 0.01]])).weights); // => [0.1, 0.9]
 */
export function hierarchicalRiskParity(
  covariance: Matrix,
  { risk = varianceRisk(covariance), minimum, maximum, ...options }: HierarchicalRiskParityOptions = {},
): HierarchicalWeights {
  const hierarchy = hierarchyOf(covariance, options);
  const weights = new Float64Array(covariance.rows);
  const least = (items: readonly number[]) => items.reduce((sum, i) => sum + (minimum?.[i] ?? 0), 0);
  const most = (items: readonly number[]) =>
    items.reduce((sum, i) => sum + (maximum?.[i] ?? Number.POSITIVE_INFINITY), 0);
  if (least(hierarchy.order) > 1 + 1e-9 || most(hierarchy.order) < 1 - 1e-9)
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `weight bounds: expected bounds between whose sums 1 lies, received ${least(hierarchy.order)} to ${most(hierarchy.order)}`,
      { field: "maxWeight" },
    );
  const open: { readonly items: readonly number[]; readonly budget: number }[] = [
    { items: hierarchy.order, budget: 1 },
  ];
  while (open.length > 0) {
    const { items, budget } = open.pop() as (typeof open)[number];
    if (items.length === 1) {
      weights[items[0]] = budget;
      continue;
    }
    const half = Math.floor(items.length / 2);
    const [first, second] = [items.slice(0, half), items.slice(half)];
    const share = shareOfFirst(
      risk(first, naiveRiskParity(first, risk)),
      risk(second, naiveRiskParity(second, risk)),
    );
    const low = Math.max(least(first), budget - most(second));
    const high = Math.min(most(first), budget - least(second));
    const given = Math.max(low, Math.min(high, share * budget));
    open.push({ items: first, budget: given }, { items: second, budget: budget - given });
  }
  return { ...hierarchy, weights };
}
