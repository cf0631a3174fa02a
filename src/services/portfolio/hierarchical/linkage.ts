/**
 * Agglomerative clustering with scipy's conventions: leaves are 0 to n - 1, the cluster of merge k is n + k, of a pair the
 * smaller number comes first, and merges are sorted by distance, ties in the order in which they were found.
 */
import { type Matrix, matrix, PlatformError } from "../../../base/index.ts";

export const linkages = ["single", "complete", "average", "ward"] as const;
export type Linkage = (typeof linkages)[number];

export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  /** Leaves below. */
  readonly size: number;
}

/** n - 1 merges of n leaves; the last one is the root. */
export type Tree = readonly Merge[];

/**
 * The tree of merges of a matrix of distances. `single` builds the minimum spanning tree (Prim 1957); the others follow chains
 * of nearest neighbours (Murtagh 1983) with the Lance-Williams updates. All take n² steps.
 *
 * @param distances symmetric, `[n, n]`, zeros on the diagonal
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when a distance is negative or not finite
 * @example
 * linkage(matrixFrom([[0, 1, 4], [1, 0, 3], [4, 3, 0]]), "single")[1].distance; // => 3
 */
export function linkage(distances: Matrix, method: Linkage): Tree {
  const n = distances.rows;
  for (let k = 0; k < distances.data.length; k++)
    if (!(distances.data[k] >= 0 && Number.isFinite(distances.data[k])))
      throw new PlatformError(
        "input",
        "PORTFOLIO_OPTION_INVALID",
        `distances: expected finite values of at least 0, received ${distances.data[k]}`,
        { field: "distance" },
      );
  const found = method === "single" ? spanningTree(distances) : neighbourChains(distances, method);
  const order = found.map((_, k) => k).sort((a, b) => found[a].distance - found[b].distance || a - b);
  return labelled(
    order.map((k) => found[k]),
    n,
  );
}

interface Edge {
  readonly a: number;
  readonly b: number;
  readonly distance: number;
}

function spanningTree({ rows: n, data }: Matrix): Edge[] {
  const edges: Edge[] = [];
  const inside = new Uint8Array(n);
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  let x = 0;
  for (let k = 0; k < n - 1; k++) {
    inside[x] = 1;
    let least = Number.POSITIVE_INFINITY;
    let y = 0;
    for (let i = 0; i < n; i++) {
      if (inside[i]) continue;
      const distance = data[x * n + i];
      if (distance < nearest[i]) nearest[i] = distance;
      if (nearest[i] < least) {
        least = nearest[i];
        y = i;
      }
    }
    edges.push({ a: x, b: y, distance: least });
    x = y;
  }
  return edges;
}

/** The distance of a third cluster to the union of two, from its distances to both (Lance and Williams 1967). */
const updates: Readonly<
  Record<
    Exclude<Linkage, "single">,
    (x: number, y: number, xy: number, sizeX: number, sizeY: number, sizeZ: number) => number
  >
> = {
  complete: (x, y) => Math.max(x, y),
  average: (x, y, _xy, sizeX, sizeY) => (sizeX * x + sizeY * y) / (sizeX + sizeY),
  ward: (x, y, xy, sizeX, sizeY, sizeZ) => {
    const t = 1 / (sizeX + sizeY + sizeZ);
    return Math.sqrt((sizeZ + sizeX) * t * x * x + (sizeZ + sizeY) * t * y * y - sizeZ * t * xy * xy);
  },
};

function neighbourChains({ rows: n, data }: Matrix, method: Exclude<Linkage, "single">): Edge[] {
  const update = updates[method];
  const d = Float64Array.from(data);
  const size = new Int32Array(n).fill(1);
  const edges: Edge[] = [];
  const chain: number[] = [];
  for (let k = 0; k < n - 1; k++) {
    if (chain.length === 0) chain.push(size.findIndex((count) => count > 0));
    let x: number;
    let y = 0;
    let least: number;
    for (;;) {
      x = chain[chain.length - 1];
      // The one before is preferred on ties, or chains could go round.
      if (chain.length > 1) {
        y = chain[chain.length - 2];
        least = d[x * n + y];
      } else least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < n; i++) {
        if (size[i] === 0 || i === x) continue;
        if (d[x * n + i] < least) {
          least = d[x * n + i];
          y = i;
        }
      }
      if (chain.length > 1 && y === chain[chain.length - 2]) break;
      chain.push(y);
    }
    chain.length -= 2;
    if (x > y) [x, y] = [y, x];
    const [sizeX, sizeY] = [size[x], size[y]];
    edges.push({ a: x, b: y, distance: least });
    size[x] = 0;
    size[y] = sizeX + sizeY;
    for (let i = 0; i < n; i++) {
      if (size[i] === 0 || i === y) continue;
      d[i * n + y] = update(d[i * n + x], d[i * n + y], least, sizeX, sizeY, size[i]);
      d[y * n + i] = d[i * n + y];
    }
  }
  return edges;
}

/** Gives clusters their numbers; edges are sorted by distance. */
function labelled(edges: readonly Edge[], n: number): Tree {
  const parent = Int32Array.from({ length: 2 * n - 1 }, (_, i) => i);
  const size = new Int32Array(2 * n - 1).fill(1);
  const root = (x: number): number => {
    let top = x;
    while (parent[top] !== top) top = parent[top];
    while (parent[x] !== top) [x, parent[x]] = [parent[x], top];
    return top;
  };
  return edges.map(({ a, b, distance }, k) => {
    const [left, right] = [root(a), root(b)].sort((x, y) => x - y);
    const next = n + k;
    parent[left] = next;
    parent[right] = next;
    size[next] = size[left] + size[right];
    return { left, right, distance, size: size[next] };
  });
}

/** The leaves below a node, from left to right. */
export function leavesOf(tree: Tree, node = 2 * tree.length): number[] {
  const n = tree.length + 1;
  const out: number[] = [];
  const open = [node];
  while (open.length > 0) {
    const at = open.pop() as number;
    if (at < n) out.push(at);
    else open.push(tree[at - n].right, tree[at - n].left);
  }
  return out;
}

/**
 * The groups that are left when the tree is cut into `count`, each with its leaves in ascending order; the groups in the
 * order of the leaves from left to right. Fewer when merges of equal distance cannot be told apart.
 */
export function cutTree(tree: Tree, count: number): number[][] {
  const n = tree.length + 1;
  if (count <= 1 || n === 1) return [leavesOf(tree).sort((a, b) => a - b)];
  // scipy's "maxclust": the smallest distance at which at most `count` clusters remain.
  let merged = Math.max(0, n - count);
  while (merged > 0 && merged < tree.length && tree[merged].distance === tree[merged - 1].distance) merged++;
  const groups: number[][] = [];
  const open = [2 * tree.length];
  while (open.length > 0) {
    const node = open.pop() as number;
    if (node < n + merged) groups.push(leavesOf(tree, node).sort((a, b) => a - b));
    else open.push(tree[node - n].right, tree[node - n].left);
  }
  return groups;
}

/**
 * The tree with its branches turned so that neighbouring leaves are as alike as they can be: the least sum of distances
 * between neighbours (Bar-Joseph, Gifford and Jaakkola 2001). n³ steps.
 */
export function optimallyOrdered(tree: Tree, distances: Matrix): Tree {
  const n = tree.length + 1;
  if (n < 3) return tree;
  const d = distances.data;
  const members = Array.from({ length: 2 * n - 1 }, (_, node) => (node < n ? [node] : leavesOf(tree, node)));
  /** cost[i, j]: the best order of the smallest node that holds both, with i at one end and j at the other. */
  const cost = matrix(n, n).data;
  const inner = new Int32Array(n * n); // the leaf of i's side that meets the other side
  for (let k = 0; k < n - 1; k++) {
    const { left, right } = tree[k];
    const [ls, rs] = [members[left], members[right]];
    for (const i of ls) {
      const ends = oppositeEnds(tree, members, left, i);
      const reach = new Float64Array(rs.length).fill(Number.POSITIVE_INFINITY);
      const via = new Int32Array(rs.length);
      rs.forEach((y, b) => {
        for (const m of ends) {
          const value = cost[i * n + m] + d[m * n + y];
          if (value < reach[b]) {
            reach[b] = value;
            via[b] = m;
          }
        }
      });
      for (const j of rs) {
        const starts = oppositeEnds(tree, members, right, j);
        let best = Number.POSITIVE_INFINITY;
        for (const y of starts) {
          const b = rs.indexOf(y);
          const value = reach[b] + cost[y * n + j];
          if (value < best) {
            best = value;
            inner[i * n + j] = via[b];
            inner[j * n + i] = y;
          }
        }
        cost[i * n + j] = cost[j * n + i] = best;
      }
    }
  }
  const root = tree[n - 2];
  let ends = [members[root.left][0], members[root.right][0]];
  for (const i of members[root.left])
    for (const j of members[root.right]) if (cost[i * n + j] < cost[ends[0] * n + ends[1]]) ends = [i, j];
  const order = new Int32Array(n);
  const place = (node: number, first: number, last: number, from: number): void => {
    if (node < n) {
      order[node] = from;
      return;
    }
    const { left, right } = tree[node - n];
    const [near, far] = members[left].includes(first) ? [left, right] : [right, left];
    place(near, first, inner[first * n + last], from);
    place(far, inner[last * n + first], last, from + members[near].length);
  };
  place(2 * n - 2, ends[0], ends[1], 0);
  return tree.map((merge) => {
    const turned = order[members[merge.left][0]] > order[members[merge.right][0]];
    return turned ? { ...merge, left: merge.right, right: merge.left } : merge;
  });
}

/** The leaves that can end an order of `node` that begins with `leaf`. */
function oppositeEnds(
  tree: Tree,
  members: readonly (readonly number[])[],
  node: number,
  leaf: number,
): readonly number[] {
  const n = tree.length + 1;
  if (node < n) return members[node];
  const { left, right } = tree[node - n];
  return members[left].includes(leaf) ? members[right] : members[left];
}
