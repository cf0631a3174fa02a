import type { Matrix } from "../../../base/index.ts";
import { cutTree, type Tree } from "./linkage.ts";

/**
 * How many clusters a tree has: the count whose within-cluster dispersion bends most, by second differences of its logarithm
 * (the two-order difference gap of Yue, Wang and Wei 2008, which HERC and NCO are used with).
 *
 * @param most never more than this; by default `√n` rounded up
 */
export function clusterCount(tree: Tree, distances: Matrix, most?: number): number {
  const n = distances.rows;
  const limit = Math.min(n, most ?? Math.max(2, Math.ceil(Math.sqrt(n))));
  if (n <= 2 || limit <= 1) return Math.min(n, limit);
  const dispersion = Array.from({ length: Math.min(n, limit + 2) }, (_, k) =>
    Math.log(Math.max(within(cutTree(tree, k + 1), distances), 1e-12)),
  );
  let best = 1;
  let bend = Number.NEGATIVE_INFINITY;
  for (let k = 0; k + 2 < dispersion.length && k < limit; k++) {
    const gap = dispersion[k + 2] + dispersion[k] - 2 * dispersion[k + 1];
    if (gap > bend) {
      bend = gap;
      best = k + 2;
    }
  }
  return Math.min(best, limit);
}

/** Σ over clusters of the mean pairwise squared distance, as Tibshirani, Walther and Hastie (2001) define dispersion. */
function within(groups: readonly (readonly number[])[], { rows: n, data }: Matrix): number {
  let total = 0;
  for (const group of groups) {
    let sum = 0;
    for (const i of group) for (const j of group) sum += data[i * n + j] ** 2;
    total += sum / (2 * group.length);
  }
  return total;
}
