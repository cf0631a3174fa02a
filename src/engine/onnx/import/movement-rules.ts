/** ONNX's ways to move values, cut and join them, as the engine's. */
import { apply } from "../../apply.ts";
import {
  add,
  broadcastTo,
  cast,
  concat,
  gather,
  reshape,
  slice,
  split,
  sub,
  transpose,
} from "../../operations.ts";
import {
  broadcastShapes,
  type Dimension,
  formatShape,
  isFloat,
  isStatic,
  normalizeAxis,
  type Shape,
  sizeOf,
} from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import { knownSizes, over, times, type Value } from "./sizes.ts";

export const importReshape = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  return [reshape(x, reshapeTarget(node, x.shape, node.dimensions(1)))];
};

export const importFlatten = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const axis = node.int("axis", 1);
  const at = axis < 0 ? axis + x.shape.length : axis;
  return [reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))])];
};

export const importTranspose = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  return [transpose(x, node.ints("perm") ?? x.shape.map((_, axis) => x.shape.length - 1 - axis))];
};

export const importUnsqueeze = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const axes = node.listed("axes", 1) ?? [];
  const rank = x.shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank, node.where)));
  const old = [...x.shape];
  return [
    reshape(
      x,
      Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (old.shift() as Dimension))),
    ),
  ];
};

export const importSqueeze = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const named = node.listed("axes", 1)?.map((axis) => normalizeAxis(axis, x.shape.length, node.where));
  return [
    reshape(
      x,
      x.shape.filter((size, axis) => (named ? !named.includes(axis) : size !== 1)),
    ),
  ];
};

export const importExpand = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  return [broadcastTo(x, broadcastShapes(x.shape, node.dimensions(1), node.where))];
};

export const importTile = (node: ImportedNode): readonly Value[] => [
  node.integers(1).reduce(
    (x, times, axis) =>
      concat(
        Array.from({ length: times }, () => x),
        axis,
      ),
    node.tensor(0),
  ),
];

export const importSplit = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const axis = normalizeAxis(node.int("axis", 0), x.shape.length, node.where);
  return split(x, axis, node.listed("split", 1) ?? equalParts(node, x.shape[axis]));
};

export const importSlice = (node: ImportedNode): readonly Value[] => [sliced(node)];

export const importGather = (node: ImportedNode): readonly Value[] => [gathered(node)];

export const importPad = (node: ImportedNode): readonly Value[] => [padded(node)];

/** 0 keeps an axis and -1 is what remains. */
function reshapeTarget(node: ImportedNode, from: Shape, asked: readonly Dimension[]): Shape {
  const kept = asked.map((size, axis) => (size === 0 && node.int("allowzero", 0) === 0 ? from[axis] : size));
  if (!kept.includes(-1)) return kept;
  const known = kept
    .filter((size) => size !== -1)
    .reduce<Dimension | undefined>((a, b) => a && times(a, b), 1);
  const rest = known === undefined ? undefined : over(sizeOf(from), known);
  if (rest === undefined)
    throw node.unsupported(`${formatShape(from)} does not divide into ${formatShape(kept)}`);
  return kept.map((size) => (size === -1 ? rest : size));
}

function equalParts(node: ImportedNode, size: Dimension): number[] {
  const count = node.int("num_outputs", node.outputs.length);
  if (typeof size !== "number") throw node.unsupported("cannot cut the batch axis");
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(part, size - i * part));
}

function sliced(node: ImportedNode): Tensor {
  const starts = node.listed("starts", 1) ?? [];
  const ends = node.listed("ends", 2) ?? [];
  const axes = node.listed("axes", 3) ?? starts.map((_, axis) => axis);
  const steps = node.optionalIntegers(4) ?? starts.map(() => 1);
  return axes.reduce((x, named, i) => {
    const axis = normalizeAxis(named, x.shape.length, node.where);
    const size = x.shape[axis];
    if (typeof size !== "number") {
      if (starts[i] === 0 && ends[i] >= 2 ** 31 - 1 && steps[i] === 1) return x;
      throw node.unsupported(`cannot cut the batch axis of ${formatShape(x.shape)}`);
    }
    const [start, end] = [inside(starts[i], size), inside(ends[i], size)];
    if (steps[i] === 1) return slice(x, axis, start, end);
    const from = steps[i] < 0 ? Math.min(start, size - 1) : start;
    const to = steps[i] < 0 && ends[i] < -size ? -1 : end;
    const count = Math.ceil((to - from) / steps[i]);
    const positions = Array.from({ length: count }, (_, k) => from + k * steps[i]);
    return gather(x, constant(positions, [count], "int64"), axis);
  }, node.tensor(0));
}

function inside(position: number, size: number): number {
  return Math.max(0, Math.min(size, position < 0 ? position + size : position));
}

function gathered(node: ImportedNode): Tensor {
  const x = node.tensor(0);
  const axis = normalizeAxis(node.int("axis", 0), x.shape.length, node.where);
  const known = knownSizes(node.inputs[1]);
  const size = x.shape[axis];
  if (!known || !isStatic(known.values) || typeof size !== "number")
    return gather(x, cast(node.tensor(1), "int64"), axis);
  const positions = known.values.map((position) => (position < 0 ? position + size : position));
  if (known.shape.length === 1) return gather(x, constant(positions, [positions.length], "int64"), axis);
  // One position is a cut, whose gradient is cheaper than a scatter.
  return reshape(
    slice(x, axis, positions[0], positions[0] + 1),
    x.shape.filter((_, other) => other !== axis),
  );
}

function padded(node: ImportedNode): Tensor {
  const x = node.tensor(0);
  if (node.text("mode", "constant") !== "constant")
    throw node.unsupported(`cannot pad by ${node.text("mode", "")}`);
  const pads = node.listed("pads", 1) ?? [];
  const axes = node.optionalIntegers(3) ?? x.shape.map((_, axis) => axis);
  const value = node.numberAt(2) ?? node.float("value", 0);
  if (!Number.isFinite(value) || (value !== 0 && !isFloat(x.dtype)) || pads.some((count) => count < 0))
    throw node.unsupported(
      `expected finite values around the tensor, received ${value} and pads [${pads.join(", ")}]`,
    );
  // Zeros are what the engine pads with; another value is moved to zero and back.
  const zeroed = value === 0 ? x : sub(x, value);
  const result = axes.reduce((y, named, i) => {
    const axis = normalizeAxis(named, y.shape.length, node.where);
    const [before, after] = [pads[i], pads[i + axes.length]];
    return before === 0 && after === 0 ? y : apply("pad", [y], { axis, before, after });
  }, zeroed);
  return value === 0 ? result : add(result, value);
}
