/**
 * Which engine operations each ONNX operator is. The rules follow the operators' definitions in operator sets 7 to 23, in which
 * some attributes became inputs; what a rule does not cover is refused by name, never computed otherwise.
 *
 * @see https://onnx.ai/onnx/operators/
 */

import { apply } from "../../apply.ts";
import {
  abs,
  add,
  broadcastTo,
  cast,
  clip,
  concat,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  gather,
  gelu,
  leakyRelu,
  less,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  tanh,
  transpose,
  where,
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
import { dataTypeOf, elementTypeName, storedArray } from "../tensor-proto.ts";
import { importAveragePool, importConv, importConvTranspose, importMaxPool } from "./convolution-rules.ts";
import type { ImportedNode } from "./node.ts";
import {
  importBatchNorm,
  importGroupNorm,
  importInstanceNorm,
  importLayerNorm,
  importLpNorm,
  importRmsNorm,
} from "./norm-rules.ts";
import {
  importArg,
  importCumSum,
  importEinsum,
  importGatherElements,
  importOneHot,
  importReverseSequence,
  importScatterElements,
  importTopK,
  importTrilu,
} from "./position-rules.ts";
import { importGru, importLstm, importRnn } from "./recurrent-rules.ts";
import { knownSizes, over, Sizes, times, type Value } from "./sizes.ts";

/** The values of a node's outputs; outputs that nothing reads may be missing at the end. */
export type ImportRule = (node: ImportedNode) => readonly Value[];

/** One rule per ONNX operator that can be imported. */
export const importRules = {
  // elementwise, broadcast as NumPy does
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Max: many(maximum),
  Min: many(minimum),
  Sum: many(add),
  Mean: (node) => [div(node.tensors().reduce(add), node.inputs.length)],
  Pow: (node) => [power(node)],
  Equal: binary(equal),
  Less: binary(less),
  Greater: binary((a, b) => less(b, a)),
  LessOrEqual: binary((a, b) => either(less(a, b), equal(a, b))),
  GreaterOrEqual: binary((a, b) => either(less(b, a), equal(a, b))),
  And: binary((a, b) => both(a, b)),
  Or: binary((a, b) => either(a, b)),
  Not: unary((x) => equal(cast(x, "int32"), 0)),
  Where: (node) => [where(node.tensor(0), node.tensor(1), node.tensor(2))],
  Neg: unary(neg),
  Abs: unary(abs),
  Sign: unary(sign),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Reciprocal: unary((x) => div(1, x)),
  Tanh: unary(tanh),
  Sigmoid: unary(sigmoid),
  Relu: unary(relu),
  Softplus: unary(softplus),
  Erf: unary(erf),
  Sin: unary(sin),
  Cos: unary(cos),
  // At their kinks these have PyTorch's gradients.
  LeakyRelu: unary((x, node) => leakyRelu(x, node.float("alpha", 0.01))),
  Elu: unary((x, node) => elu(x, node.float("alpha", 1))),
  Selu: unary((x, node) => mul(elu(x, node.float("alpha", 1.6732632)), node.float("gamma", 1.05070102))),
  PRelu: (node) => [where(less(0, node.tensor(0)), node.tensor(0), mul(node.tensor(0), node.tensor(1)))],
  HardSigmoid: unary((x, node) => {
    const line = add(mul(x, node.float("alpha", 0.2)), node.float("beta", 0.5));
    return where(less(line, 1), where(less(0, line), line, 0), 1);
  }),
  HardSwish: unary((x) => mul(x, clip(add(div(x, 6), 0.5), 0, 1))),
  Mish: unary((x) => mul(x, tanh(softplus(x)))),
  Gelu: unary((x, node) => {
    if (node.text("approximate", "none") === "none") return gelu(x);
    const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(mul(x, 0.5), add(tanh(inner), 1));
  }),
  Clip: (node) => {
    const x = node.tensor(0);
    const [least, most] = (["min", "max"] as const).map(
      (name, i) => node.numberAt(i + 1) ?? node.optional(i + 1) ?? attributeNumber(node, name),
    );
    // A value at a bound still has a gradient, as in PyTorch; `maximum` would share it with the bound.
    const raised = least === undefined ? x : where(less(x, least), least, x);
    return [most === undefined ? raised : where(less(most, raised), most, raised)];
  },
  Cast: (node) => {
    const to = dataTypeOf(node.int("to", 0));
    if (!to) throw node.unsupported(`cannot cast to ${elementTypeName(node.int("to", 0))}`);
    return [cast(node.tensor(0), to)];
  },
  Identity: (node) => [node.inputs[0] ?? node.tensor(0)],
  IsNaN: unary((x) => equal(cast(equal(x, x), "int32"), 0)),
  // In inference, which is what a file describes, dropout does nothing.
  Dropout: (node) => [node.tensor(0)],

  // products
  Einsum: importEinsum,
  MatMul: (node) => [product(node.tensor(0), node.tensor(1))],
  Gemm: (node) => {
    const scaled = (x: Tensor, by: number) => (by === 1 ? x : mul(x, by));
    const c = node.optional(2);
    const bias = c && scaled(c, node.float("beta", 1));
    const options = { transposeA: node.int("transA", 0) === 1, transposeB: node.int("transB", 0) === 1 };
    const a = scaled(node.tensor(0), node.float("alpha", 1));
    if (bias?.shape.length === 1 && bias.shape[0] !== 1)
      return [matmul(a, node.tensor(1), { ...options, bias })];
    const result = matmul(a, node.tensor(1), options);
    return [bias ? add(result, bias) : result];
  },

  // reductions and normalisation
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(max),
  ReduceMin: reduction((x, axes, options) => neg(max(neg(x), axes, options))),
  ReduceSumSquare: reduction((x, axes, options) => sum(square(x), axes, options)),
  ReduceL2: reduction((x, axes, options) => sqrt(sum(square(x), axes, options))),
  ReduceL1: reduction((x, axes, options) => sum(abs(x), axes, options)),
  ReduceLogSumExp: reduction((x, axes, options) => {
    const largest = stopGradient(max(x, axes, { keepDims: true }));
    const total = log(sum(exp(sub(x, largest)), axes, options));
    return add(total, reshape(largest, total.shape));
  }),
  CumSum: importCumSum,
  Softmax: normalization(softmax),
  LogSoftmax: normalization(logSoftmax),
  LayerNormalization: importLayerNorm,
  RMSNormalization: importRmsNorm,
  SimplifiedLayerNormalization: importRmsNorm, // what ONNX Runtime calls it in ONNX's own domain
  BatchNormalization: importBatchNorm,
  InstanceNormalization: importInstanceNorm,
  GroupNormalization: importGroupNorm,
  LpNormalization: importLpNorm,

  // convolution and pooling
  Conv: importConv,
  ConvTranspose: importConvTranspose,
  MaxPool: importMaxPool,
  AveragePool: importAveragePool,
  GlobalAveragePool: unary((x) => mean(x, spatial(x), { keepDims: true })),
  GlobalMaxPool: unary((x) => max(x, spatial(x), { keepDims: true })),

  // recurrent
  LSTM: importLstm,
  GRU: importGru,
  RNN: importRnn,

  // movement
  Reshape: (node) => {
    const x = node.tensor(0);
    return [reshape(x, reshapeTarget(node, x.shape, node.dimensions(1)))];
  },
  Flatten: (node) => {
    const x = node.tensor(0);
    const axis = node.int("axis", 1);
    const at = axis < 0 ? axis + x.shape.length : axis;
    return [reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))])];
  },
  Transpose: (node) => {
    const x = node.tensor(0);
    return [transpose(x, node.ints("perm") ?? x.shape.map((_, axis) => x.shape.length - 1 - axis))];
  },
  Unsqueeze: (node) => {
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
  },
  Squeeze: (node) => {
    const x = node.tensor(0);
    const named = node.listed("axes", 1)?.map((axis) => normalizeAxis(axis, x.shape.length, node.where));
    return [
      reshape(
        x,
        x.shape.filter((size, axis) => (named ? !named.includes(axis) : size !== 1)),
      ),
    ];
  },
  Expand: (node) => {
    const x = node.tensor(0);
    return [broadcastTo(x, broadcastShapes(x.shape, node.dimensions(1), node.where))];
  },
  Tile: (node) => [
    node.integers(1).reduce(
      (x, times, axis) =>
        concat(
          Array.from({ length: times }, () => x),
          axis,
        ),
      node.tensor(0),
    ),
  ],
  Concat: (node) => [concat(node.tensors(), node.int("axis", 0))],
  Split: (node) => {
    const x = node.tensor(0);
    const axis = normalizeAxis(node.int("axis", 0), x.shape.length, node.where);
    return split(x, axis, node.listed("split", 1) ?? equalParts(node, x.shape[axis]));
  },
  Slice: (node) => [sliced(node)],
  Gather: (node) => [gathered(node)],
  GatherElements: importGatherElements,
  ScatterElements: importScatterElements,
  ReverseSequence: importReverseSequence,
  OneHot: importOneHot,
  TopK: importTopK,
  ArgMax: importArg(1),
  ArgMin: importArg(-1),
  Trilu: importTrilu,
  Pad: (node) => [padded(node)],

  // constants and shapes
  Constant: (node) => {
    const tensor = node.stored("value");
    if (tensor) {
      const { data, shape, dtype } = storedArray(tensor, node.where);
      return [constant(data, shape, dtype)];
    }
    if (node.has("value_float")) return [constant(node.float("value_float", 0))];
    if (node.has("value_int")) return [constant(node.int("value_int", 0), [], "int64")];
    const [floats, ints] = [node.floats("value_floats") ?? [], node.ints("value_ints") ?? []];
    if (floats.length > 0) return [constant(floats)];
    if (ints.length > 0) return [constant(ints, [ints.length], "int64")];
    throw node.unsupported("expected numbers, received another kind of constant");
  },
  ConstantOfShape: (node) => {
    const stored = node.stored("value");
    const { data, dtype } = stored
      ? storedArray(stored, node.where)
      : { data: [0], dtype: "float32" as const };
    return [broadcastTo(constant(data, [], dtype), node.dimensions(0))];
  },
  Shape: (node) => {
    const value = node.inputs[0] ?? node.tensor(0);
    const { shape } = value;
    return [new Sizes(shape.slice(node.int("start", 0), node.int("end", shape.length)))];
  },
  Size: (node) => [new Sizes([sizeOf((node.inputs[0] ?? node.tensor(0)).shape)], [])],
  // Whole numbers that are known: `fold.ts` has done them when it could.
  ReduceProd: (node) => {
    throw node.unsupported("products are known for sizes only");
  },
  Range: (node) => {
    throw node.unsupported("expected limits that are known before the graph runs");
  },
} as const satisfies Readonly<Record<string, ImportRule>>;

/** ONNX operators that can be imported. */
export type ImportedOperator = keyof typeof importRules;

/** Whether an operator of ONNX's standard set has a rule. */
export function isImported(opType: string): opType is ImportedOperator {
  return Object.hasOwn(importRules, opType);
}

function unary(of: (x: Tensor, node: ImportedNode) => Tensor): ImportRule {
  return (node) => [of(node.tensor(0), node)];
}

function binary(of: (a: Tensor, b: Tensor) => Tensor): ImportRule {
  return (node) => [of(node.tensor(0), node.tensor(1))];
}

function many(of: (a: Tensor, b: Tensor) => Tensor): ImportRule {
  return (node) => [node.tensors().reduce((a, b) => of(a, b))];
}

/** 1 (true) where both of two conditions hold. */
function both(a: Tensor, b: Tensor): Tensor {
  return less(1, add(cast(a, "float32"), cast(b, "float32")));
}

/** The axes behind batch and channel. */
function spatial(x: Tensor): number[] {
  return x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));
}

/** 1 (true) where one of two conditions holds. */
function either(a: Tensor, b: Tensor): Tensor {
  return less(0, add(cast(a, "float32"), cast(b, "float32")));
}

type Reduction = (x: Tensor, axes: readonly number[] | undefined, options: { keepDims: boolean }) => Tensor;

function reduction(of: Reduction): ImportRule {
  return (node) => {
    const axes = node.listed("axes", 1);
    if (axes?.length === 0 && node.int("noop_with_empty_axes", 0) === 1) return [node.tensor(0)];
    const named = axes && axes.length > 0 ? axes : undefined;
    return [of(node.tensor(0), named, { keepDims: node.int("keepdims", 1) === 1 })];
  };
}

/** Before operator set 13, softmax ran over all axes from `axis` on together; the same as today for the last one. */
function normalization(of: (x: Tensor, axis: number) => Tensor): ImportRule {
  return (node) => {
    const x = node.tensor(0);
    const axis = normalizeAxis(node.int("axis", node.opset < 13 ? 1 : -1), x.shape.length, node.where);
    if (node.opset < 13 && axis !== x.shape.length - 1)
      throw node.unsupported(
        `expected the last axis of ${formatShape(x.shape)} in operator set ${node.opset}, received ${axis}`,
      );
    return [of(x, axis)];
  };
}

function power(node: ImportedNode): Tensor {
  const x = node.tensor(0);
  const exponent = node.numberAt(1);
  const whole = (count: number): Tensor => (count === 1 ? x : mul(whole(count - 1), x));
  if (exponent !== undefined && Number.isInteger(exponent) && exponent >= 1 && exponent <= 8)
    return whole(exponent);
  if (exponent === 0.5) return sqrt(x);
  if (exponent === -0.5) return div(1, sqrt(x));
  if (exponent === -1) return div(1, x);
  throw node.unsupported(
    `expected an exponent of 1 to 8, 0.5, -0.5 or -1, received ${exponent ?? "one that is computed"}`,
  );
}

/** Clip's bounds were attributes before operator set 11. */
function attributeNumber(node: ImportedNode, name: string): number | undefined {
  return node.has(name) ? node.float(name, 0) : undefined;
}

/** ONNX takes a vector as a row on the left and as a column on the right, and drops that axis again. */
function product(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length === 1) {
    const row = product(reshape(a, [1, ...a.shape]), b);
    return reshape(
      row,
      b.shape.length === 1 ? [] : [...row.shape.slice(0, -2), row.shape[row.shape.length - 1]],
    );
  }
  if (b.shape.length === 1) {
    const column = product(a, reshape(b, [...b.shape, 1]));
    return reshape(column, column.shape.slice(0, -1));
  }
  return matmul(a, b);
}

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
