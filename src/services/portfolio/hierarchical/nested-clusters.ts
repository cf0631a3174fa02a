import { type Matrix, matrix, submatrix } from "../../../base/index.ts";
import { clusterCount } from "./clusters.ts";
import type { ClusteredWeights, ClusterOptions } from "./equal-risk-contribution.ts";
import { hierarchyOf } from "./hierarchy.ts";
import { cutTree } from "./linkage.ts";

/** Weights of the assets of a covariance and, where the method looks at them, their expected returns. */
export type Allocate = (covariance: Matrix, expectedReturns: Float64Array) => Float64Array;

export interface NestedClusterOptions extends ClusterOptions {
  /** Inside a cluster. */
  readonly inner: Allocate;
  /** Between clusters; the same as inside by default. */
  readonly outer?: Allocate;
}

/**
 * Nested clustered optimisation: one optimisation inside each cluster, then one over the clusters as if each were an asset, so
 * that the noise of one cluster's covariance does not spread to the others.
 *
 * @see López de Prado (2019), "A robust estimator of the efficient frontier"
 */
export function nestedClusters(
  covariance: Matrix,
  expectedReturns: Float64Array,
  { inner, outer = inner, clusters: wanted, linkage = "ward", ...options }: NestedClusterOptions,
): ClusteredWeights {
  const hierarchy = hierarchyOf(covariance, { linkage, ...options });
  const clusters = cutTree(hierarchy.tree, wanted ?? clusterCount(hierarchy.tree, hierarchy.distances));
  const n = covariance.rows;
  const inside = clusters.map((items) =>
    inner(
      submatrix(covariance, items),
      Float64Array.from(items, (i) => expectedReturns[i]),
    ),
  );
  const reduced = matrix(clusters.length, clusters.length);
  for (let a = 0; a < clusters.length; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      clusters[a].forEach((i, x) => {
        clusters[b].forEach((j, y) => {
          sum += inside[a][x] * inside[b][y] * covariance.data[i * n + j];
        });
      });
      reduced.data[a * clusters.length + b] = reduced.data[b * clusters.length + a] = sum;
    }
  }
  const means = Float64Array.from(clusters, (items, c) =>
    items.reduce((sum, i, x) => sum + inside[c][x] * expectedReturns[i], 0),
  );
  const between = clusters.length === 1 ? Float64Array.of(1) : outer(reduced, means);
  const weights = new Float64Array(n);
  clusters.forEach((items, c) => {
    items.forEach((item, x) => {
      weights[item] = between[c] * inside[c][x];
    });
  });
  return { ...hierarchy, weights, clusters };
}
