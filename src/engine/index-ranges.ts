/**
 * Which whole numbers that are given to a graph name rows, tokens or classes, and how many there are of each.
 *
 * ONNX counts a negative position from the end, so that a model would learn from the last row without a word. What a graph looks up is
 * known when it is traced: each lookup is followed back to the input whose numbers it takes unchanged, and these are checked before
 * they are used.
 */
import { PlatformError } from "../base/index.ts";
import type { Graph } from "./graph.ts";
import { add } from "./operations.ts";
import type { PrimitiveName } from "./primitives/table.ts";
import type { TensorValue } from "./runtime/runtime.ts";
import { isFloat } from "./shape.ts";
import { constant, inputName, type Node, type Tensor } from "./tensor.ts";

/** The numbers that an input, or a part of it, may hold: 0 up to below a count. */
export interface IndexRange extends Way {
  /** One count, or one for each position of the input's last axis. */
  readonly counts: number | readonly number[];
}

/** From an input to where its numbers are looked up. */
interface Way {
  readonly input: string;
  /** What is read of the input's axes; all of the others. */
  readonly cuts: readonly Cut[];
  /** The input whose numbers choose the rows that are read, where one does. */
  readonly rowsBy: string | null;
  /** Whether the axes are still those of the input: all, all but the first, whose rows were chosen, or not any more. */
  readonly axes: "all" | "inner" | "other";
}

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** Of sums that `joinedPlaces` made: how many things of each kind there are. */
const kinds = new WeakMap<Tensor, readonly number[]>();

/**
 * Places in one table in which several kinds lie behind each other: each column's numbers, moved past the kinds before its own. A number
 * too large for its kind would name a thing of the next one, so that `indexRanges` asks for each column's own range.
 *
 * Shapes: x int64 `[..., counts.length]`, as the result.
 */
export function joinedPlaces(x: Tensor, counts: readonly number[]): Tensor {
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
  const places = add(x, constant(starts, [starts.length], "int64"));
  kinds.set(places, counts);
  return places;
}

/** Every range that a graph asks of its inputs. */
export function indexRanges(graph: Graph): IndexRange[] {
  const found = new Map<string, IndexRange>();
  const note = (range: IndexRange) => found.set(JSON.stringify(range), range);
  for (const node of graph.nodes) {
    const each = kinds.get(node.outputs[0]);
    if (each)
      for (const way of waysBack(graph, node.inputs[0]))
        if (hasLastAxis(way, node.inputs[0]) && way.cuts.length === 0) note({ ...way, counts: each });
    const counts = placesOf(node);
    if (typeof counts !== "number") continue;
    for (const way of waysBack(graph, node.inputs[node.inputs.length - 1])) note({ ...way, counts });
  }
  return [...found.values()];
}

/** Whether a tensor's last axis is still that of the input: of an input with one axis, chosen rows are in another order. */
function hasLastAxis({ axes }: Way, { shape }: Tensor): boolean {
  return axes === "all" || (axes === "inner" && shape.length > 1);
}

/** How many places a lookup has, if the node is one; its last input names them. */
function placesOf(node: Node): unknown {
  if (isOf(node, "gather") || isOf(node, "gatherAlong")) return node.inputs[0].shape[node.attributes.axis];
  return isOf(node, "oneHot") ? node.attributes.depth : undefined;
}

/** From a tensor to the inputs whose numbers it holds. */
function waysBack(graph: Graph, tensor: Tensor): readonly Way[] {
  const { node, output } = graph.resolve(tensor);
  const back = (i = 0) => waysBack(graph, node.inputs[i]);
  if (isOf(node, "input")) return [{ input: node.attributes.name, cuts: [], rowsBy: null, axes: "all" }];
  if (isOf(node, "cast")) return isFloat(node.inputs[0].dtype) ? [] : back();
  if (isOf(node, "slice")) return cut(back(), node.attributes);
  if (isOf(node, "split")) {
    const { axis, sizes } = node.attributes;
    const start = sizes.slice(0, output).reduce((a, b) => a + b, 0);
    return cut(back(), { axis, start, end: start + sizes[output] });
  }
  if (isOf(node, "gather")) return chosen(back(), node.attributes.axis, graph.resolve(node.inputs[1]));
  if (!moving.has(node.primitive)) return [];
  return node.inputs
    .slice(0, node.primitive === "concat" ? undefined : 1)
    .flatMap((_, i) => back(i).map((way) => ({ ...way, axes: "other" as const })));
}

/** Primitives that change the place of values, and no value. */
const moving: ReadonlySet<PrimitiveName> = new Set<PrimitiveName>([
  "reshape",
  "transpose",
  "broadcastTo",
  "concat",
  "flip",
  "reverseSequence",
]);

/** Where the axes are not those of the input any more, a part cannot be told from the whole, and nothing is asked of it. */
function cut(ways: readonly Way[], { axis, start, end }: Cut): readonly Way[] {
  return ways.flatMap((way) => {
    if (way.axes === "inner" && axis === 0) return [way];
    if (way.axes === "other" || way.cuts.some((earlier) => earlier.axis === axis)) return [];
    return [{ ...way, cuts: [...way.cuts, { axis, start, end }] }];
  });
}

/** Rows of a whole input that another input names are those that count; of any other lookup, all may be read. */
function chosen(ways: readonly Way[], axis: number, places: Tensor): readonly Way[] {
  return ways.map((way) => {
    const rows = axis === 0 && places.shape.length === 1;
    if (way.axes !== "all" || !rows || way.cuts.some((earlier) => earlier.axis === 0))
      return { ...way, axes: rows && way.axes === "inner" ? "inner" : "other" };
    return { ...way, axes: "inner", rowsBy: places.node.primitive === "input" ? inputName(places) : null };
  });
}

function isOf<P extends PrimitiveName>(node: Node, primitive: P): node is Node<P> & Node {
  return node.primitive === primitive;
}

/** How many things an input can name wherever it is looked up: its least count, infinite where that is unknown. */
export function countFor(ranges: readonly IndexRange[], input: string): number {
  return ranges
    .filter((range) => range.input === input)
    .reduce((least, { counts }) => (typeof counts === "number" ? Math.min(least, counts) : least), Infinity);
}

/**
 * Checks the whole numbers of inputs against the ranges that a graph asks of them.
 *
 * @param values by input name; what is absent is not checked
 * @param rows the rows that will be read, by the input that names them; all where it is absent
 * @throws PlatformError `INDEX_OUT_OF_RANGE` naming the input, the position, the number and the range
 */
export function requireIndices(
  where: string,
  ranges: readonly IndexRange[],
  values: Readonly<Record<string, TensorValue | undefined>>,
  { rows = {}, nameOf = (name) => name }: IndexCheck = {},
): void {
  for (const { input, cuts, rowsBy, counts } of ranges) {
    const value = values[input];
    if (!value || isFloat(value.dtype)) continue;
    const { shape, data } = value;
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    const last = shape[shape.length - 1] ?? 1;
    const countAt = (i: number) => (typeof counts === "number" ? counts : counts[i % last]);
    const places = Int32Array.from({ length: width }, (_, i) => i).filter((place) =>
      isRead(positionOf(place, shape.slice(1)), cuts),
    );
    const [first] = cuts.filter(({ axis }) => axis === 0);
    const all = Int32Array.from({ length: shape[0] ?? 1 }, (_, i) => i).slice(first?.start, first?.end);
    const numbers = wholeNumbers(data);
    for (const row of (rowsBy === null ? undefined : rows[rowsBy]) ?? all) {
      for (const place of places) {
        const i = row * width + place;
        if (numbers.isBelow(i, countAt(i))) continue;
        const at = shape.length === 0 ? "" : `[${[row, ...positionOf(place, shape.slice(1))].join(", ")}]`;
        throw outside(where, `${nameOf(input)}${at}`, countAt(i), data[i]);
      }
    }
  }
}

export interface IndexCheck {
  readonly rows?: Readonly<Record<string, Int32Array>>;
  /** What the caller calls an input. */
  readonly nameOf?: (input: string) => string;
}

/** `INDEX_OUT_OF_RANGE`: a number that names nothing. An unknown count is infinite. */
export function outside(where: string, name: string, count: number, received: unknown): PlatformError {
  const range = Number.isFinite(count) ? `of 0 to ${count - 1}` : "of 0 or more";
  const message = `${where}: ${name}: expected a whole number ${range}, received ${received}`;
  return new PlatformError("input", "INDEX_OUT_OF_RANGE", message);
}

/** Whole numbers of any type, compared without making a BigInt of each. */
export function wholeNumbers(data: TensorValue["data"]) {
  if (!(data instanceof BigInt64Array))
    return { isBelow: (i: number, count: number) => data[i] >= 0 && data[i] < count };
  const halves = new Int32Array(data.buffer, data.byteOffset, 2 * data.length); // the lower half first
  return {
    isBelow: (i: number, count: number) =>
      halves[2 * i + 1] === 0 && halves[2 * i] >= 0 && halves[2 * i] < count,
  };
}

function positionOf(place: number, shape: readonly number[]): number[] {
  const position: number[] = [];
  let left = place;
  for (const size of shape.toReversed()) {
    position.unshift(left % size);
    left = Math.floor(left / size);
  }
  return position;
}

/** Whether a position inside a row lies in every cut of the inner axes. */
function isRead(position: readonly number[], cuts: readonly Cut[]): boolean {
  return cuts.every(
    ({ axis, start, end }) => axis === 0 || (position[axis - 1] >= start && position[axis - 1] < end),
  );
}
