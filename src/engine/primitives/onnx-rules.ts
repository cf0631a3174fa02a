import { invariant } from "../../base/index.ts";
import { type Emitter, elementType } from "../onnx/emitter.ts";
import { type EmittedOperator, trainingOpset } from "../onnx/operator-versions.ts";
import { type DataType, isFloat, isStatic, staticSize, type TensorType } from "../shape.ts";
import type { TypedArray } from "../tensor.ts";
import {
  averagePoolOnnx,
  convInputGradientOnnx,
  convOnnx,
  convWeightGradientOnnx,
  maxPoolGradientOnnx,
  maxPoolOnnx,
  tileMaxOnnx,
} from "./convolution/onnx.ts";
import { gruBackwardOnnx, gruOnnx } from "./recurrent/gru.ts";
import { lstmBackwardOnnx, lstmOnnx } from "./recurrent/lstm.ts";
import { rnnBackwardOnnx, rnnOnnx } from "./recurrent/rnn.ts";
import type { OnnxRule, OnnxRules, PrimitiveName } from "./table.ts";

/** Which ONNX nodes compute each primitive (operator set 18); leaving one out is a type error. */
export const onnxRules: OnnxRules = {
  input: leafHasNoRule,
  parameter: leafHasNoRule,
  constant: leafHasNoRule,

  add: same("Add"),
  sub: same("Sub"),
  mul: same("Mul"),
  div: same("Div"),
  maximum: same("Max"),
  minimum: same("Min"),
  less: same("Less"),
  equal: same("Equal"),
  where: same("Where"),

  neg: same("Neg"),
  abs: same("Abs"),
  sign: same("Sign"),
  exp: same("Exp"),
  log: same("Log"),
  sqrt: same("Sqrt"),
  tanh: same("Tanh"),
  sigmoid: same("Sigmoid"),
  relu: same("Relu"),
  leakyRelu: (to, inputs, { attributes: { slope } }) => [
    to.one("LeakyRelu", inputs, { alpha: { float: slope } }),
  ],
  gelu: (to, [x], { inputs: [{ dtype }] }) => {
    if (to.opset >= 20) return [to.one("Gelu", [x])];
    // In these very nodes, because ONNX Runtime knows them and makes one of them.
    const scalar = (value: number) => to.constant(value, [], dtype);
    const erf = to.one("Erf", [to.one("Div", [x, scalar(Math.SQRT2)])]);
    return [to.one("Mul", [to.one("Mul", [x, to.one("Add", [erf, scalar(1)])]), scalar(0.5)])];
  },
  erf: same("Erf"),
  sin: same("Sin"),
  cos: same("Cos"),
  cast: (to, inputs, { attributes }) => [to.one("Cast", inputs, { to: elementType[attributes.to] })],

  sum: (to, [x], { inputs: [type], outputs: [result], attributes: { axes, keepDims } }) => {
    // Rows added up, as for the gradient of a bias: a product with ones is several times as fast as a reduction.
    const [rows, columns] = [type.shape.slice(0, axes.length), type.shape.slice(axes.length)];
    const leading = axes.every((axis, place) => axis === place);
    if (leading && isFloat(type.dtype) && isStatic(rows) && isStatic(columns) && staticSize(columns) > 1) {
      const [height, width] = [staticSize(rows), staticSize(columns)];
      const matrix = type.shape.length === 2 ? x : to.one("Reshape", [x, to.ints([height, width])]);
      const total = to.one("Gemm", [to.filled(1, [1, height], type.dtype), matrix]);
      return [to.one("Reshape", [total, to.ints(result.shape as readonly number[])])];
    }
    return [to.one("ReduceSum", [x, to.ints(axes)], { keepdims: keepDims ? 1 : 0 })];
  },
  max: (to, [x], { attributes: { axes, keepDims } }) => [
    to.opset >= 18
      ? to.one("ReduceMax", [x, to.ints(axes)], { keepdims: keepDims ? 1 : 0 })
      : to.one("ReduceMax", [x], { axes, keepdims: keepDims ? 1 : 0 }),
  ],
  count: (to, [x], { inputs: [type], attributes: { axes } }) => {
    const sizes = axes.map((axis) => type.shape[axis]);
    if (isStatic(sizes)) return [to.constant(staticSize(sizes), [], type.dtype)];
    const chosen = to.one("Gather", [to.one("Shape", [x]), to.ints(axes)]);
    const product =
      to.opset >= 18
        ? to.one("ReduceProd", [chosen, to.ints([0])], { keepdims: 0 })
        : to.one("ReduceProd", [chosen], { axes: [0], keepdims: 0 });
    return [to.one("Cast", [product], { to: elementType[type.dtype] })];
  },
  cumulativeSum: (to, [x], { attributes: { axis, reverse } }) => [
    to.one("CumSum", [x, to.constant(axis, [], "int64")], { reverse: reverse ? 1 : 0 }),
  ],
  argMax: (to, inputs, { attributes: { axis, keepDims } }) => [
    to.one("ArgMax", inputs, { axis, keepdims: keepDims ? 1 : 0 }),
  ],
  topK: (to, [x], { attributes: { axis, k, largest } }) =>
    to.many("TopK", [x, to.ints([k])], { axis, largest: largest ? 1 : 0 }, 2),
  softmax: (to, inputs, { attributes: { axis } }) => [to.one("Softmax", inputs, { axis })],
  logSoftmax: (to, inputs, { attributes: { axis } }) => [to.one("LogSoftmax", inputs, { axis })],
  layerNorm: (to, [x, scale, shift], { inputs: [{ dtype }], attributes: { epsilon }, used }) => {
    if (dtype === "float32" && to.opset >= 17) {
      const statistics = used[1] || used[2];
      const attributes = { axis: -1, epsilon: { float: epsilon } };
      return to.many("LayerNormalization", [x, scale, shift], attributes, [true, statistics, statistics]);
    }
    const { normalized, mean, inverse } = standardized(to, x, dtype, epsilon);
    return [to.one("Add", [to.one("Mul", [normalized, scale]), shift]), mean, inverse];
  },
  standardize: (to, [x], { inputs: [{ dtype, shape }], attributes: { epsilon }, used }) => {
    if (dtype === "float32" && to.opset >= 17) {
      const features = Number(shape[shape.length - 1]);
      const [ones, zeros] = [1, 0].map((value) => to.filled(value, [features], dtype));
      const attributes = { axis: -1, epsilon: { float: epsilon } };
      const [y, , inverse] = to.many("LayerNormalization", [x, ones, zeros], attributes, [
        true,
        used[1],
        used[1],
      ]);
      return [y, inverse, y];
    }
    const { normalized, inverse } = standardized(to, x, dtype, epsilon);
    return [normalized, inverse, normalized];
  },

  reshape: (to, [x], { attributes: { shape } }) => [
    // One open axis can be left to ONNX; that needs no batch size at run time.
    to.one("Reshape", [
      x,
      to.ints(shape.map((dimension) => (typeof dimension === "number" ? dimension : -1))),
    ]),
  ],
  transpose: (to, inputs, { attributes: { order } }) => [to.one("Transpose", inputs, { perm: order })],
  broadcastTo: (to, [x], { attributes: { shape } }) => [to.one("Expand", [x, to.shape(shape)])],
  slice: (to, [x], { attributes: { axis, start, end } }) => [
    to.one("Slice", [x, to.ints([start]), to.ints([end]), to.ints([axis])]),
  ],
  pad: (to, [x], { inputs: [{ shape, dtype }], attributes: { axis, before, after } }) => {
    const pads = Array.from({ length: 2 * shape.length }, () => 0);
    pads[axis] = before;
    pads[shape.length + axis] = after;
    return [to.one("Pad", [x, to.ints(pads), to.constant(0, [], dtype)])];
  },
  concat: (to, inputs, { attributes: { axis }, outputs: [result] }) => {
    const parts = inputs.map((name) => to.valueOf(name));
    if (axis === 0 && result.dtype === "float32" && parts.every((part) => part !== undefined)) {
      return [joinedWeights(to, inputs, parts, result)];
    }
    return [to.one("Concat", inputs, { axis })];
  },
  split: (to, [x], { attributes: { axis, sizes } }) =>
    to.many("Split", [x, to.ints(sizes)], { axis }, sizes.length),
  flip: (to, [x], { attributes: { axis } }) => [
    to.one("Slice", [x, to.ints([-1]), to.ints([-(2 ** 31)]), to.ints([axis]), to.ints([-1])]),
  ],
  reverseSequence: (to, inputs) => [to.one("ReverseSequence", inputs, { time_axis: 0, batch_axis: 1 })],
  gatherAlong: (to, inputs, { attributes: { axis } }) => [to.one("GatherElements", inputs, { axis })],
  scatterAddAlong: (to, [updates, indices], { outputs: [{ shape, dtype }], attributes: { axis } }) => {
    const zero = to.one("Expand", [to.constant(0, [], dtype), to.shape(shape)]);
    return [to.one("ScatterElements", [zero, indices, updates], { axis, reduction: "add" })];
  },
  oneHot: (to, [indices], { attributes: { depth, dtype } }) => [
    to.one("OneHot", [indices, to.ints([depth]), to.constant([0, 1], [2], dtype)]),
  ],
  gather: (to, inputs, { attributes: { axis } }) => [to.one("Gather", inputs, { axis })],
  scatterAdd: (to, [updates, indices], { inputs, outputs: [{ shape, dtype }] }) => {
    invariant(isStatic(shape), "a scatter has a fixed number of rows");
    // ScatterND adds slices at index tuples; one number per tuple, so the indices get a last axis of 1.
    const tuples = to.one("Unsqueeze", [indices, to.ints([inputs[1].shape.length])]);
    const zero = to.one("Expand", [to.constant(0, [], dtype), to.ints(shape)]);
    return [to.one("ScatterND", [zero, tuples, updates], { reduction: "add" })];
  },

  matmul: (to, [a, b, ...bias], { inputs: [left, right], attributes: { transposeA, transposeB } }) => {
    if (left.shape.length === 2 && right.shape.length === 2) {
      const [length, columns] = transposeB ? [...right.shape].reverse() : right.shape;
      if (columns === 1 && Number(length) >= 1024 && !transposeA && to.opset !== trainingOpset) {
        // ONNX Runtime packs a stored matrix in blocks of sixteen columns, of which only one would be used; a vector it reads as it is.
        const vector = to.one("Reshape", [b, to.ints([-1])]);
        const product = to.one("Reshape", [to.one("MatMul", [a, vector]), to.ints([-1, 1])]);
        return [bias.length === 0 ? product : to.one("Add", [product, ...bias])];
      }
      return [to.one("Gemm", [a, b, ...bias], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 })];
    }
    const turned = (name: string, rank: number, transposed: boolean) => {
      const swapped = Array.from({ length: rank }, (_, axis) =>
        axis < rank - 2 ? axis : 2 * rank - 3 - axis,
      );
      return transposed ? to.one("Transpose", [name], { perm: swapped }) : name;
    };
    const product = to.one("MatMul", [
      turned(a, left.shape.length, transposeA),
      turned(b, right.shape.length, transposeB),
    ]);
    return [bias.length === 0 ? product : to.one("Add", [product, ...bias])];
  },

  conv: convOnnx,
  convInputGradient: convInputGradientOnnx,
  convWeightGradient: convWeightGradientOnnx,
  maxPool: maxPoolOnnx,
  maxPoolGradient: maxPoolGradientOnnx,
  tileMax: tileMaxOnnx,
  averagePool: averagePoolOnnx,

  lstm: lstmOnnx,
  lstmBackward: lstmBackwardOnnx,
  gru: gruOnnx,
  gruBackward: gruBackwardOnnx,
  rnn: rnnOnnx,
  rnnBackward: rnnBackwardOnnx,

  randomUniform: (to, [seed], { attributes: { shape, salt } }) => {
    // The finaliser of MurmurHash3 (Appleby 2011) over position, mixed with the seed before and between two rounds.
    const uint = (value: number) => to.constant(value >>> 0, [], "uint32");
    const mix = (h: string) => {
      const shifted = (x: string, bits: number) =>
        to.one("BitwiseXor", [x, to.one("BitShift", [x, uint(bits)], { direction: "RIGHT" })]);
      return shifted(
        to.one("Mul", [shifted(to.one("Mul", [shifted(h, 16), uint(0x85ebca6b)]), 13), uint(0xc2b2ae35)]),
        16,
      );
    };
    const stream = mix(
      to.one("Add", [to.one("Mul", [seed, uint(0x9e3779b9)]), uint(Math.imul(salt + 1, 0x7feb352d))]),
    );
    const positions = isStatic(shape)
      ? to.constant(
          Uint32Array.from({ length: staticSize(shape) }, (_, i) => i),
          shape,
          "uint32",
        )
      : countedPositions();
    const hashed = mix(to.one("Add", [mix(to.one("BitwiseXor", [positions, stream])), stream]));
    const top = to.one("Cast", [to.one("BitShift", [hashed, uint(8)], { direction: "RIGHT" })], {
      to: elementType.float32,
    });
    return [to.one("Mul", [top, to.constant(2 ** -24, [], "float32")])];

    function countedPositions(): string {
      const size = to.shape(shape);
      const total = to.one("ReduceProd", [size, to.ints([0])], { keepdims: 0 });
      const range = to.one("Range", [to.constant(0, [], "int64"), total, to.constant(1, [], "int64")]);
      return to.one("Cast", [to.one("Reshape", [range, size])], { to: elementType.uint32 });
    }
  },
  stopGradient: same("Identity"),
  scaleGradient: same("Identity"),
};

function same<P extends PrimitiveName>(opType: EmittedOperator): OnnxRule<P> {
  return (to, inputs) => [to.one(opType, inputs)];
}

/** Stored arrays that lie behind each other are one stored array: `{query,key,value}.weight` of three. */
function joinedWeights(
  to: Emitter,
  names: readonly string[],
  parts: readonly { readonly data: TypedArray }[],
  { shape, dtype }: TensorType,
): string {
  invariant(isStatic(shape), "what is stored has a fixed shape");
  const name = commonName(names);
  if (to.valueOf(name) !== undefined) return name;
  const values = new Float32Array(staticSize(shape));
  let at = 0;
  for (const { data } of parts) {
    values.set(data as Float32Array, at);
    at += data.length;
  }
  to.initializer(name, values, shape, dtype);
  return name;
}

/** What differs between names in braces, what they share before and behind it. */
function commonName(names: readonly string[]): string {
  const words = names.map((name) => name.split("."));
  const length = Math.min(...words.map((list) => list.length));
  const same = (place: (list: readonly string[]) => string | undefined) =>
    words.every((list) => place(list) === place(words[0]));
  let [before, behind] = [0, 0];
  while (before < length - 1 && same((list) => list[before])) before++;
  while (behind < length - 1 - before && same((list) => list.at(-1 - behind))) behind++;
  const middle = words.map((list) => list.slice(before, list.length - behind).join("."));
  const end = behind === 0 ? [] : words[0].slice(-behind);
  return [...words[0].slice(0, before), `{${middle.join(",")}}`, ...end].join(".");
}

function leafHasNoRule(): never {
  throw new Error("broken rule: a leaf is emitted as an input or an initializer, not as a node");
}

/** Normalisation along the last axis, where ONNX's own operator is not to be had: it came with 17, and gives its statistics in float32. */
function standardized(to: Emitter, x: string, dtype: DataType, epsilon: number) {
  const average = (value: string) =>
    to.opset >= 18
      ? to.one("ReduceMean", [value, to.ints([-1])], { keepdims: 1 })
      : to.one("ReduceMean", [value], { axes: [-1], keepdims: 1 });
  const mean = average(x);
  const centred = to.one("Sub", [x, mean]);
  const variance = to.one("Add", [
    average(to.one("Mul", [centred, centred])),
    to.constant(epsilon, [], dtype),
  ]);
  const inverse = to.one("Reciprocal", [to.one("Sqrt", [variance])]);
  return { normalized: to.one("Mul", [centred, inverse]), mean, inverse };
}
