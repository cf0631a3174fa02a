/** ONNX's operators that order values, or choose them by position, as the engine's. */
import { apply } from "../../apply.ts";
import { einsum } from "../../einsum.ts";
import {
  add,
  argMax,
  cast,
  cumulativeSum,
  equal,
  gatherAlong,
  mul,
  neg,
  oneHot,
  reverseSequence,
  slice,
  topK,
  transpose,
  where,
} from "../../operations.ts";
import { formatShape, normalizeAxis } from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import type { Value } from "./sizes.ts";

export const importCumSum = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const [named] = node.integers(1);
  const axis = normalizeAxis(named, x.shape.length, node.where);
  const reverse = node.int("reverse", 0) === 1;
  const total = cumulativeSum(x, axis, { reverse });
  if (node.int("exclusive", 0) === 0) return [total];
  // Without its own value, every sum is that of its neighbour.
  const size = fixedAxis(node, x, axis);
  if (size === 1) return [mul(x, 0)];
  return reverse
    ? [apply("pad", [slice(total, axis, 1)], { axis, before: 0, after: 1 })]
    : [apply("pad", [slice(total, axis, 0, size - 1)], { axis, before: 1, after: 0 })];
};

/** k was an attribute before operator set 10. */
export const importTopK = (node: ImportedNode): readonly Value[] => {
  const [k] = node.has("k") ? [node.int("k", 1)] : node.integers(1);
  const largest = node.int("largest", 1) === 1;
  const { values, indices } = topK(node.tensor(0), k, node.int("axis", -1), { largest });
  return [values, indices];
};

/** @param sign 1 for the largest value, -1 for the smallest */
export const importArg =
  (sign: 1 | -1) =>
  (node: ImportedNode): readonly Value[] => {
    if (node.int("select_last_index", 0) === 1)
      throw node.unsupported("of equal values the first is found, not the last");
    const x = sign === 1 ? node.tensor(0) : neg(node.tensor(0));
    return [argMax(x, node.int("axis", 0), { keepDims: node.int("keepdims", 1) === 1 })];
  };

/** The new axis is last in the engine, and anywhere in ONNX. */
export const importOneHot = (node: ImportedNode): readonly Value[] => {
  const indices = node.tensor(0);
  const [values, depth] = [node.inputs[2], node.numberAt(1)];
  const numbers = node.numbersAt(2);
  if (numbers?.length !== 2 || depth === undefined)
    throw node.unsupported("expected depth and values that are known before the graph runs");
  const dtype = values && "dtype" in values ? values.dtype : "int64";
  const rows = oneHot(cast(indices, "int64"), depth, dtype);
  const [off, on] = numbers;
  const y =
    off === 0 && on === 1 ? rows : where(equal(rows, 1), constant(on, [], dtype), constant(off, [], dtype));
  const rank = y.shape.length;
  const axis = normalizeAxis(node.int("axis", -1), rank, node.where);
  if (axis === rank - 1) return [y];
  const others = Array.from({ length: rank - 1 }, (_, i) => i);
  return [transpose(y, [...others.slice(0, axis), rank - 1, ...others.slice(axis)])];
};

/** Indices may name fewer rows of the other axes than there are. */
export const importGatherElements = (node: ImportedNode): readonly Value[] => {
  const [x, indices] = [node.tensor(0), cast(node.tensor(1), "int64")];
  const axis = normalizeAxis(node.int("axis", 0), x.shape.length, node.where);
  const part = x.shape.reduce<Tensor>((cut, size, other) => {
    const wanted = indices.shape[other];
    return other === axis || wanted === size || typeof wanted !== "number"
      ? cut
      : slice(cut, other, 0, wanted);
  }, x);
  return [gatherAlong(part, indices, axis)];
};

export const importScatterElements = (node: ImportedNode): readonly Value[] => {
  const [x, indices, updates] = [node.tensor(0), cast(node.tensor(1), "int64"), node.tensor(2)];
  const reduction = node.text("reduction", "none");
  if (reduction !== "add") throw node.unsupported(`expected the reduction add, received ${reduction}`);
  const axis = normalizeAxis(node.int("axis", 0), x.shape.length, node.where);
  const size = fixedAxis(node, x, axis);
  const added = apply("scatterAddAlong", [updates, indices], { axis, size });
  if (added.shape.some((dimension, other) => dimension !== x.shape[other]))
    throw node.unsupported(
      `expected updates that fill ${formatShape(x.shape)} beside axis ${axis}, received ${formatShape(updates.shape)}`,
    );
  return [add(x, added)];
};

/** Time is first in the engine. */
export const importReverseSequence = (node: ImportedNode): readonly Value[] => {
  const [x, lengths] = [node.tensor(0), cast(node.tensor(1), "int64")];
  const [batch, time] = [node.int("batch_axis", 1), node.int("time_axis", 0)];
  if (batch === 1 && time === 0) return [reverseSequence(x, lengths)];
  const swapped = [1, 0, ...x.shape.map((_, axis) => axis).slice(2)];
  return [transpose(reverseSequence(transpose(x, swapped), lengths), swapped)];
};

/** Without an arrow, the result has the letters that stand once, in the order of the alphabet. */
export const importEinsum = (node: ImportedNode): readonly Value[] => {
  const equation = node.text("equation", "").replaceAll(" ", "");
  const [left, right] = equation.split("->");
  const terms = left.split(",");
  const unclear = terms.some((term) => new Set(term).size !== term.length);
  if (equation.includes(".") || terms.length > 2 || unclear)
    throw node.unsupported(
      `expected one or two tensors, a letter for each axis and none twice in a tensor, received "${equation}"`,
    );
  const letters = [...left.replace(",", "")];
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return [einsum(`${left}->${right ?? once.join("")}`, node.tensors())];
};

/** The triangle of the last two axes on and above (or below) a diagonal; zero elsewhere. */
export const importTrilu = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const rank = x.shape.length;
  const [rows, columns] = [fixedAxis(node, x, rank - 2), fixedAxis(node, x, rank - 1)];
  const diagonal = node.inputs[1] === undefined ? 0 : node.numberAt(1);
  if (diagonal === undefined)
    throw node.unsupported("expected a diagonal that is known before the graph runs");
  const upper = node.int("upper", 1) === 1;
  const kept = Array.from({ length: rows * columns }, (_, i) => {
    const above = (i % columns) - Math.floor(i / columns) - diagonal;
    return Number(upper ? above >= 0 : above <= 0);
  });
  return [where(constant(kept, [rows, columns], "bool"), x, 0)];
};

function fixedAxis(node: ImportedNode, { shape }: Tensor, axis: number): number {
  const size = shape[axis];
  if (typeof size !== "number")
    throw node.unsupported(`expected a fixed size at axis ${axis} of ${formatShape(shape)}`);
  return size;
}
