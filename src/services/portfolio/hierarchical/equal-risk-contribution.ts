import type { Matrix } from "../../../base/index.ts";
import { type ClusterRisk, naiveRiskParity, shareOfFirst, volatilityRisk } from "./cluster-risk.ts";
import { clusterCount } from "./clusters.ts";
import { type HierarchyOptions, hierarchyOf } from "./hierarchy.ts";
import { cutTree } from "./linkage.ts";
import type { HierarchicalWeights } from "./risk-parity.ts";

export interface ClusterOptions extends HierarchyOptions {
  /** How many; by the two-order difference gap when absent. */
  readonly clusters?: number;
}

export interface ClusteredWeights extends HierarchicalWeights {
  /** Assets of each cluster, in the order of the tree. */
  readonly clusters: readonly (readonly number[])[];
}

/**
 * Hierarchical equal risk contribution: budgets follow the splits of the tree itself down to the clusters, each side by the sum
 * of its clusters' risks; inside a cluster assets share by naive risk parity.
 *
 * @param risk the volatility of the covariance by default
 * @see Raffinot (2018), "The hierarchical equal risk contribution portfolio"
 */
export function hierarchicalEqualRiskContribution(
  covariance: Matrix,
  {
    risk = volatilityRisk(covariance),
    clusters: wanted,
    linkage = "ward",
    ...options
  }: ClusterOptions & { readonly risk?: ClusterRisk } = {},
): ClusteredWeights {
  const hierarchy = hierarchyOf(covariance, { linkage, ...options });
  const { tree, distances } = hierarchy;
  const n = covariance.rows;
  const clusters = cutTree(tree, wanted ?? clusterCount(tree, distances));
  const inside = clusters.map((items) => naiveRiskParity(items, risk));
  const risks = clusters.map((items, c) => risk(items, inside[c]));
  const clusterOf = new Int32Array(n);
  clusters.forEach((items, c) => {
    for (const item of items) clusterOf[item] = c;
  });
  const weights = new Float64Array(n);
  const give = (node: number, budget: number): void => {
    const below = clustersBelow(node);
    if (below.length === 1) {
      const c = below[0];
      clusters[c].forEach((item, a) => {
        weights[item] = budget * inside[c][a];
      });
      return;
    }
    const { left, right } = tree[node - n];
    const total = (side: number) => clustersBelow(side).reduce((sum, c) => sum + risks[c], 0);
    const share = shareOfFirst(total(left), total(right));
    give(left, budget * share);
    give(right, budget * (1 - share));
  };
  const sets: Set<number>[] = [];
  for (let node = 0; node < 2 * n - 1; node++)
    sets.push(
      node < n
        ? new Set([clusterOf[node]])
        : new Set([...sets[tree[node - n].left], ...sets[tree[node - n].right]]),
    );
  const clustersBelow = (node: number) => [...sets[node]];
  give(2 * n - 2, 1);
  return { ...hierarchy, weights, clusters };
}
