import {
  broadcastShapes,
  coefficient,
  type DataType,
  type Dimension,
  formatShape,
  mismatch,
  type Shape,
  sameShape,
  sizeOf,
  type TensorType,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { convolutionTypes } from "./convolution/types.ts";
import { gruTypes, lstmTypes, rnnTypes } from "./recurrent/types.ts";
import type { PrimitiveName, TypeRule, TypeRules } from "./table.ts";

/** Which types come out of each primitive; leaving one out is a type error. */
export const typeRules: TypeRules = {
  input: leafHasNoRule,
  parameter: leafHasNoRule,
  constant: leafHasNoRule,

  add: broadcast("add"),
  sub: broadcast("sub"),
  mul: broadcast("mul"),
  div: broadcast("div"),
  maximum: broadcast("maximum"),
  minimum: broadcast("minimum"),
  less: broadcast("less", "bool"),
  equal: broadcast("equal", "bool"),
  where: ([condition, a, b]) => {
    sameType("where", a, b);
    return [
      {
        dtype: a.dtype,
        shape: broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, "where"), "where"),
      },
    ];
  },

  neg: unchanged,
  abs: unchanged,
  sign: unchanged,
  exp: unchanged,
  log: unchanged,
  sqrt: unchanged,
  tanh: unchanged,
  sigmoid: unchanged,
  relu: unchanged,
  leakyRelu: unchanged,
  gelu: unchanged,
  erf: unchanged,
  sin: unchanged,
  cos: unchanged,
  cast: ([x], { to }) => [{ dtype: to, shape: x.shape }],

  sum: ([x], { axes, keepDims }) => [{ dtype: x.dtype, shape: reduced(x.shape, axes, keepDims) }],
  max: ([x], { axes, keepDims }) => [{ dtype: x.dtype, shape: reduced(x.shape, axes, keepDims) }],
  count: ([x]) => [{ dtype: x.dtype, shape: [] }],
  cumulativeSum: unchanged,
  argMax: ([x], { axis, keepDims }) => [{ dtype: "int64", shape: reduced(x.shape, [axis], keepDims) }],
  topK: ([x], { axis, k }) => {
    const size = fixed(x.shape[axis], "topK", x.shape);
    if (!(Number.isSafeInteger(k) && k >= 1 && k <= size)) {
      throw mismatch(
        `topK: expected 1 to ${size} values of axis ${axis} of ${formatShape(x.shape)}, received ${k}`,
      );
    }
    const shape = replaced(x.shape, axis, k);
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  softmax: unchanged,
  logSoftmax: unchanged,
  layerNorm: ([x, scale, shift]) => {
    const features = x.shape[x.shape.length - 1];
    for (const [name, vector] of [
      ["scale", scale],
      ["shift", shift],
    ] as const) {
      if (vector.shape.length !== 1 || vector.shape[0] !== features) {
        throw mismatch(
          `layerNorm: expected ${name} of shape [${features}] for ${formatShape(x.shape)}, received ${formatShape(vector.shape)}`,
        );
      }
    }
    const statistics = { dtype: x.dtype, shape: reduced(x.shape, [x.shape.length - 1], true) };
    return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
  },
  standardize: ([{ dtype, shape }]) => [
    { dtype, shape },
    { dtype, shape: reduced(shape, [shape.length - 1], true) },
    { dtype, shape },
  ],

  reshape: ([x], { shape }) => {
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw mismatch(
        `reshape: ${formatShape(x.shape)} and ${formatShape(shape)} do not hold the same number of elements`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  transpose: ([x], { order }) => {
    if (
      order.length !== x.shape.length ||
      [...order].sort((a, b) => a - b).some((axis, place) => axis !== place)
    ) {
      throw mismatch(
        `transpose: expected an order of all axes of ${formatShape(x.shape)}, received [${order.join(", ")}]`,
      );
    }
    return [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }];
  },
  broadcastTo: ([x], { shape }) => {
    const result = broadcastShapes(x.shape, shape, "broadcastTo");
    if (result.length !== shape.length || result.some((dimension, axis) => dimension !== shape[axis])) {
      throw mismatch(`broadcastTo: ${formatShape(x.shape)} does not stretch to ${formatShape(shape)}`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  slice: ([x], { axis, start, end }) => {
    const size = fixed(x.shape[axis], "slice", x.shape);
    if (!(start >= 0 && start < end && end <= size)) {
      throw mismatch(
        `slice: expected a range inside axis ${axis} of ${formatShape(x.shape)}, received ${start} to ${end}`,
      );
    }
    return [{ dtype: x.dtype, shape: replaced(x.shape, axis, end - start) }];
  },
  pad: ([x], { axis, before, after }) => [
    { dtype: x.dtype, shape: replaced(x.shape, axis, fixed(x.shape[axis], "pad", x.shape) + before + after) },
  ],
  concat: (parts, { axis }) => {
    const [first] = parts;
    for (const part of parts) {
      const fits =
        part.shape.length === first.shape.length &&
        part.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits || part.dtype !== first.dtype) {
        throw mismatch(
          `concat: shapes ${formatShape(first.shape)} and ${formatShape(part.shape)} do not join at axis ${axis}`,
        );
      }
    }
    return [
      {
        dtype: first.dtype,
        shape: replaced(first.shape, axis, addUp(parts.map((part) => part.shape[axis]))),
      },
    ];
  },
  split: ([x], { axis, sizes }) => {
    if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis]) {
      throw mismatch(
        `split: parts of ${sizes.join(" + ")} do not fill axis ${axis} of ${formatShape(x.shape)}`,
      );
    }
    return sizes.map((size) => ({ dtype: x.dtype, shape: replaced(x.shape, axis, size) }));
  },
  flip: unchanged,
  reverseSequence: ([x, lengths]) => {
    wholeNumbers("reverseSequence", lengths);
    if (x.shape.length < 2 || !sameShape(lengths.shape, [x.shape[1]])) {
      throw mismatch(
        `reverseSequence: expected x [time, batch, ...] and lengths [batch], received ${formatShape(x.shape)} and ${formatShape(lengths.shape)}`,
      );
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  gatherAlong: ([x, indices], { axis }) => {
    wholeNumbers("gatherAlong", indices);
    alongOneAxis("gatherAlong", x, indices, axis);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  scatterAddAlong: ([updates, indices], { axis, size }) => {
    wholeNumbers("scatterAddAlong", indices);
    alongOneAxis("scatterAddAlong", updates, indices, axis);
    return [{ dtype: updates.dtype, shape: replaced(updates.shape, axis, size) }];
  },
  oneHot: ([indices], { depth, dtype }) => {
    wholeNumbers("oneHot", indices);
    return [{ dtype, shape: [...indices.shape, depth] }];
  },
  gather: ([x, indices], { axis }) => {
    wholeNumbers("gather", indices);
    return [
      { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
    ];
  },
  scatterAdd: ([updates, indices], { rows }) => {
    wholeNumbers("scatterAdd", indices);
    return [{ dtype: updates.dtype, shape: [rows, ...updates.shape.slice(indices.shape.length)] }];
  },

  matmul: ([a, b, bias], { transposeA, transposeB }) => {
    const received = `received ${formatShape(a.shape)} and ${formatShape(b.shape)}`;
    if (a.shape.length < 2 || b.shape.length < 2)
      throw mismatch(`matmul: expected two matrices, ${received}`);
    sameType("matmul", a, b);
    const [rows, inner] = lastTwo(a.shape, transposeA);
    const [innerOther, columns] = lastTwo(b.shape, transposeB);
    if (inner !== innerOther) throw mismatch(`matmul: expected equal inner sizes, ${received}`);
    if (bias && (bias.dtype !== a.dtype || !sameShape(bias.shape, [columns]))) {
      throw mismatch(
        `matmul: expected a bias ${a.dtype}${formatShape([columns])}, received ${bias.dtype}${formatShape(bias.shape)}`,
      );
    }
    return [
      {
        dtype: a.dtype,
        shape: [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "matmul"), rows, columns],
      },
    ];
  },

  ...convolutionTypes,
  ...lstmTypes,
  ...gruTypes,
  ...rnnTypes,

  randomUniform: (_, { shape }) => [{ dtype: "float32", shape }],
  stopGradient: unchanged,
  scaleGradient: unchanged,
};

function leafHasNoRule(): never {
  throw new Error("broken rule: a leaf is made with its type, not derived");
}

function unchanged([x]: readonly Tensor[]): readonly TensorType[] {
  return [{ dtype: x.dtype, shape: x.shape }];
}

function broadcast<P extends PrimitiveName>(name: P, result?: DataType): TypeRule<P> {
  return ([a, b]) => {
    sameType(name, a, b);
    return [{ dtype: result ?? a.dtype, shape: broadcastShapes(a.shape, b.shape, name) }];
  };
}

function sameType(name: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype)
    throw mismatch(`${name}: expected equal element types, received ${a.dtype} and ${b.dtype}`);
}

/** Both tensors agree in every axis but one. */
function alongOneAxis(name: string, x: Tensor, indices: Tensor, axis: number): void {
  const fits =
    x.shape.length === indices.shape.length && x.shape.every((d, i) => i === axis || d === indices.shape[i]);
  if (!fits) {
    throw mismatch(
      `${name}: expected shapes that differ in axis ${axis} only, received ${formatShape(x.shape)} and ${formatShape(indices.shape)}`,
    );
  }
}

function wholeNumbers(name: string, indices: Tensor): void {
  if (indices.dtype !== "int64") throw mismatch(`${name}: expected int64 indices, received ${indices.dtype}`);
}

function reduced(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims
    ? shape.map((d, axis) => (axes.includes(axis) ? 1 : d))
    : shape.filter((_, axis) => !axes.includes(axis));
}

function replaced(shape: Shape, axis: number, dimension: Dimension): Shape {
  return shape.map((old, place) => (place === axis ? dimension : old));
}

function fixed(dimension: Dimension, name: string, shape: Shape): number {
  if (typeof dimension !== "number")
    throw mismatch(`${name}: cannot cut the batch axis of ${formatShape(shape)}`);
  return dimension;
}

function lastTwo(shape: Shape, transposed: boolean): [Dimension, Dimension] {
  const [a, b] = shape.slice(-2);
  return transposed ? [b, a] : [a, b];
}

/** Sizes joined: numbers to a number, multiples of the batch to a multiple, the batch itself and numbers to `batch+n`. */
function addUp(dimensions: readonly Dimension[]): Dimension {
  const fixed = dimensions.filter((d) => typeof d === "number");
  const open = dimensions.filter((d) => typeof d !== "number");
  const total = (list: readonly Dimension[]) => list.reduce<number>((sum, d) => sum + coefficient(d), 0);
  if (open.length === 0) return total(fixed);
  const times = total(open);
  if (fixed.length === 0) return times === 1 ? "batch" : `${times}*batch`;
  if (times !== 1)
    throw mismatch(`concat: expected the batch itself beside fixed sizes, received ${dimensions.join(", ")}`);
  return `batch+${total(fixed)}`;
}
