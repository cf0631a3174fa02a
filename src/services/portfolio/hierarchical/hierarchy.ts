import type { Matrix } from "../../../base/index.ts";
import { type DistanceName, distanceMatrix, distancesOfRows } from "./distances.ts";
import { type Linkage, leavesOf, linkage, optimallyOrdered, type Tree } from "./linkage.ts";

export interface HierarchyOptions {
  readonly linkage?: Linkage;
  readonly distance?: DistanceName;
  /** Clusters the Euclidean distances between rows of the distance matrix, as López de Prado's code does. */
  readonly rowDistances?: boolean;
  /** Turns the branches so that neighbours are as alike as they can be. */
  readonly optimalOrder?: boolean;
  /** That assets are compared by, when it is not the covariance's own; the two differ where history is pairwise. */
  readonly correlation?: Matrix | undefined;
}

/** Assets as a tree of clusters: what a dendrogram draws. */
export interface Hierarchy {
  readonly tree: Tree;
  /** Assets from left to right: the quasi-diagonal order. */
  readonly order: readonly number[];
  readonly distances: Matrix;
}

/** The tree of the assets of a covariance. */
export function hierarchyOf(
  covariance: Matrix,
  {
    linkage: method = "single",
    distance = "angular",
    rowDistances = false,
    optimalOrder = false,
    correlation = covariance,
  }: HierarchyOptions = {},
): Hierarchy {
  const direct = distanceMatrix(correlation, distance);
  const distances = rowDistances ? distancesOfRows(direct) : direct;
  const plain = linkage(distances, method);
  const tree = optimalOrder ? optimallyOrdered(plain, distances) : plain;
  return { tree, order: leavesOf(tree), distances };
}
