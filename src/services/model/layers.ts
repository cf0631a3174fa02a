/**
 * The layers of a graph. A file knows only nodes; a reader thinks in layers: the nodes that share a learned layer's name, with the
 * reshapes around them, and chains of plain arithmetic.
 */
import { formatShape, type OnnxModel, type OnnxNode, type Shape } from "../../engine/index.ts";

export interface GraphLayer {
  /** Path in the model, such as `layers.0`; for what learned nothing, its first operator and a number. */
  readonly layer: string;
  /** The operators that do the work, in their order. */
  readonly kind: string;
  /** Shape of what the layer hands on; null where it is unknown. */
  readonly outputShape: string | null;
  readonly parameters: number;
  /** For one sample; null where an operator's work is unknown. */
  readonly flop: number | null;
  readonly learned: boolean;
}

/** A value that goes from one layer to another; a text names an input or output of the graph. */
export interface LayerEdge {
  readonly from: number | string;
  readonly to: number | string;
  readonly shape: string | null;
}

export interface LayerGraph {
  readonly layers: readonly GraphLayer[];
  readonly edges: readonly LayerEdge[];
}

/** Operators that only move or rename values; they belong to the layer before them. */
const plumbing = new Set([
  "Identity",
  "Reshape",
  "Transpose",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "Cast",
  "Expand",
  "Dropout",
  "Split",
  "Slice",
  "Pad",
  "Shape",
  "Constant",
  "ConstantOfShape",
]);

interface Group {
  readonly nodes: OnnxNode[];
  readonly path: string;
}

/** Joins the nodes of a model into layers, in the order of the graph. */
export function layersOf(model: OnnxModel, nodes: readonly OnnxNode[]): LayerGraph {
  const groups = mergeLeading(mergeChains(groupByPath(nodes.filter(({ bookkeeping }) => !bookkeeping))));
  const makers = makersOf(groups);
  const ordered = inOrder(groups, makers);
  const counted = new Set<string>();
  const counts = new Map<string, number>();
  const layers = ordered.map((group): GraphLayer => {
    const kind = kindOf(group);
    const arrays = group.nodes.flatMap((node) => node.parameters);
    const stem = [group.path, kind.split(" ")[0].toLowerCase()].filter(Boolean).join(".");
    const count = (counts.get(stem) ?? 0) + 1;
    if (arrays.length === 0) counts.set(stem, count);
    let parameters = 0;
    for (const { array, size } of arrays) {
      if (!counted.has(array)) parameters += size; // an array that two layers share is counted at the first
      counted.add(array);
    }
    const flops = group.nodes.map(({ flop }) => flop);
    return {
      layer: arrays.length > 0 ? group.path : `${stem}_${count}`,
      kind,
      outputShape: shapeText(outputOf(group, ordered, model)),
      parameters,
      flop: flops.includes(null) ? null : flops.reduce<number>((sum, flop) => sum + (flop ?? 0), 0),
      learned: arrays.length > 0,
    };
  });
  return { layers, edges: edgesOf(ordered, makers, model, nodes) };
}

/** Puts every node into a group, such that no way leads out of a group and back into it. */
function groupByPath(nodes: readonly OnnxNode[]): Group[] {
  const groups: Group[] = [];
  const newest = new Map<string, Group>();
  const maker = new Map<string, Group>();
  const before = new Map<Group, Set<Group>>();
  for (const node of nodes) {
    const producers = new Set(node.reads.flatMap((name) => maker.get(name) ?? []));
    const fits = (group: Group) =>
      [...producers].every((producer) => producer === group || !before.get(producer)?.has(group));
    const path = pathOf(node);
    const same = path === "" ? undefined : newest.get(path);
    const [only] = producers;
    let group: Group;
    if (same && fits(same)) group = same;
    else if (path === "" && plumbing.has(node.opType) && producers.size === 1) group = only;
    else {
      group = { nodes: [], path };
      groups.push(group);
      if (path !== "") newest.set(path, group);
    }
    group.nodes.push(node);
    const known = before.get(group) ?? new Set<Group>();
    for (const producer of producers) {
      if (producer === group) continue;
      known.add(producer);
      for (const earlier of before.get(producer) ?? []) known.add(earlier);
    }
    before.set(group, known);
    for (const { name } of node.outputs) maker.set(name, group);
  }
  return groups;
}

/**
 * Arithmetic that leads to nothing but more arithmetic is one layer, and what stands between two parts of a layer, as the scales of a
 * quantised one do, belongs to it.
 */
function mergeChains(groups: readonly Group[]): Group[] {
  return merged(groups, (from, to, producersOf) => {
    if (from.path === to.path) return from.path !== "" || isChain(from, to, producersOf);
    const before = [...producersOf(from)];
    const scales = from.nodes.every(({ opType }) => opType === "Mul" || opType === "Cast");
    return from.path === "" && scales && before.length > 0 && before.every(({ path }) => path === to.path);
  });
}

/** Whether arithmetic goes on without anything new: what joins it came from where it began, as in `x Φ(x)`. */
function isChain(from: Group, to: Group, producersOf: (group: Group) => ReadonlySet<Group>): boolean {
  const others = [...producersOf(to)].filter((one) => one !== from);
  if (others.length === 0) return true;
  const multiplies = [from, to].some(({ nodes }) => nodes.some(({ opType }) => opType === "MatMul"));
  const begun = producersOf(from);
  const fromThere = (one: Group) =>
    begun.has(one) || (one.path === "" && [...producersOf(one)].every((before) => begun.has(before)));
  return !multiplies && others.every(fromThere);
}

/** A reshape at the start of the graph, before a single layer, belongs to that layer. */
function mergeLeading(groups: readonly Group[]): Group[] {
  return merged(groups, (from) => from.nodes.every(({ opType }) => plumbing.has(opType)));
}

/** Merges a group into its only reader where `joins` says so; with one reader, no way can lead around the pair. */
function merged(
  groups: readonly Group[],
  joins: (from: Group, to: Group, producersOf: (group: Group) => ReadonlySet<Group>) => boolean,
): Group[] {
  let current = [...groups];
  for (let changed = true; changed; ) {
    changed = false;
    const makers = makersOf(current);
    const producers = new Map(
      current.map((group) => {
        const all = group.nodes.flatMap(({ reads }) => reads.flatMap((name) => makers.get(name) ?? []));
        return [group, new Set(all.filter((one) => one !== group))] as const;
      }),
    );
    const producersOf = (group: Group): ReadonlySet<Group> => producers.get(group) ?? new Set();
    const readersOf = new Map<Group, Group[]>();
    for (const [group, of] of producers)
      for (const one of of) readersOf.set(one, [...(readersOf.get(one) ?? []), group]);
    for (const from of current) {
      const readers = readersOf.get(from) ?? [];
      if (readers.length !== 1 || !joins(from, readers[0], producersOf)) continue;
      const [to] = readers;
      const joined: Group = { nodes: [...from.nodes, ...to.nodes], path: to.path };
      current = current.flatMap((group) => (group === from ? [] : group === to ? [joined] : [group]));
      changed = true;
      break;
    }
  }
  return current;
}

function makersOf(groups: readonly Group[]): Map<string, Group> {
  return new Map(
    groups.flatMap((group) => group.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => [name, group]))),
  );
}

/** Groups in an order in which each follows what it reads. */
function inOrder(groups: readonly Group[], makers: ReadonlyMap<string, Group>): Group[] {
  const ordered: Group[] = [];
  const seen = new Set<Group>();
  const visit = (group: Group): void => {
    if (seen.has(group)) return;
    seen.add(group);
    for (const { reads } of group.nodes) for (const name of reads) visit(makers.get(name) ?? group);
    ordered.push(group);
  };
  for (const group of groups) visit(group);
  return ordered;
}

/** The place in the model: that of a learned array, else the scope that torch writes into the node's name. */
function pathOf({ parameters, name }: OnnxNode): string {
  const named = parameters
    .map((one) => one.name.replace(/(_packed_\d+|_t|_quantized|_scale)+$/, ""))
    .find((one) => one.includes(".") && !one.includes("::"));
  if (named !== undefined) return named.slice(0, named.lastIndexOf("."));
  const scope = /^\/(.+)\/[^/]+$/.exec(name)?.[1].replaceAll("/", ".");
  return scope ?? (parameters.length > 0 ? parameters[0].name.replace(/^onnx::/, "") : "");
}

function kindOf({ nodes }: Group): string {
  const all = nodes.map(({ opType }) => opType);
  const working = all.filter((opType) => !plumbing.has(opType));
  const kinds = [...new Set(working.length > 0 ? working : all)];
  return kinds.length <= 4
    ? kinds.join(" + ")
    : `${kinds.slice(0, 3).join(" + ")} + ${kinds.length - 3} more`;
}

/** What is read outside of the group, or is an output of the graph; the first made of several, before it is cut and turned for its readers. */
function outputOf(group: Group, groups: readonly Group[], { outputs }: OnnxModel): Shape | null {
  const read = new Set([
    ...outputs.map(({ name }) => name),
    ...groups.flatMap((other) => (other === group ? [] : other.nodes.flatMap(({ reads }) => reads))),
  ]);
  const made = group.nodes.flatMap((node) => node.outputs);
  const shape = (made.find(({ name }) => read.has(name)) ?? made.at(-1))?.shape ?? null;
  // Rows of all samples together tell less than the same values apart.
  const apart = made.filter((one) => shape && one.shape?.includes("batch") && sameSize(one.shape, shape));
  return shape?.some((size) => typeof size !== "number" && size !== "batch")
    ? (apart.at(-1)?.shape ?? shape)
    : shape;
}

function edgesOf(
  groups: readonly Group[],
  makers: ReadonlyMap<string, Group>,
  { inputs, outputs }: OnnxModel,
  nodes: readonly OnnxNode[],
): LayerEdge[] {
  const shapes = new Map<string, Shape | null>(
    nodes.flatMap((node) => node.outputs.map(({ name, shape }) => [name, shape])),
  );
  for (const { name, shape } of inputs) shapes.set(name, shape as Shape | null);
  const isInput = new Set(inputs.map(({ name }) => name));
  const sourceOf = (name: string): number | string | undefined => {
    const group = makers.get(name);
    if (group) return groups.indexOf(group);
    return isInput.has(name) ? name : undefined;
  };
  const edges = new Map<string, LayerEdge>();
  const add = (name: string, to: number | string): void => {
    const from = sourceOf(name);
    if (from !== undefined && from !== to)
      edges.set(`${from} ${to} ${name}`, { from, to, shape: shapeText(shapes.get(name) ?? null) });
  };
  groups.forEach((group, i) => {
    for (const { reads } of group.nodes) for (const name of reads) add(name, i);
  });
  for (const { name } of outputs) add(name, name);
  return [...edges.values()];
}

function shapeText(shape: Shape | null): string | null {
  return shape && formatShape(shape);
}

function sameSize(a: Shape, b: Shape): boolean {
  const size = (shape: Shape) => shape.reduce<number>((all, one) => all * coefficientOf(one), 1);
  return size(a) === size(b);
}

/** How many times the batch, or how many. */
function coefficientOf(size: Shape[number]): number {
  return typeof size === "number" ? size : size === "batch" ? 1 : Number.parseInt(size, 10);
}
