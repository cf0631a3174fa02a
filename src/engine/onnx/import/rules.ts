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
  softmax,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  tanh,
  where,
} from "../../operations.ts";
import { formatShape, normalizeAxis, sizeOf } from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import { dataTypeOf, elementTypeName, storedArray } from "../tensor-proto.ts";
import { importAveragePool, importConv, importConvTranspose, importMaxPool } from "./convolution-rules.ts";
import {
  importExpand,
  importFlatten,
  importGather,
  importPad,
  importReshape,
  importSlice,
  importSplit,
  importSqueeze,
  importTile,
  importTranspose,
  importUnsqueeze,
} from "./movement-rules.ts";
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
import { Sizes, type Value } from "./sizes.ts";

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
  Reshape: importReshape,
  Flatten: importFlatten,
  Transpose: importTranspose,
  Unsqueeze: importUnsqueeze,
  Squeeze: importSqueeze,
  Expand: importExpand,
  Tile: importTile,
  Concat: (node) => [concat(node.tensors(), node.int("axis", 0))],
  Split: importSplit,
  Slice: importSlice,
  Gather: importGather,
  GatherElements: importGatherElements,
  ScatterElements: importScatterElements,
  ReverseSequence: importReverseSequence,
  OneHot: importOneHot,
  TopK: importTopK,
  ArgMax: importArg(1),
  ArgMin: importArg(-1),
  Trilu: importTrilu,
  Pad: importPad,

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
