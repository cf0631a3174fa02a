/** One case or more for every primitive that has a gradient. */
import { apply, applyAll } from "../apply.ts";
import {
  abs,
  add,
  averagePool,
  broadcastTo,
  cast,
  concat,
  constant,
  conv,
  cos,
  cumulativeSum,
  div,
  exp,
  flip,
  gather,
  gatherAlong,
  layerNormalize,
  leakyRelu,
  less,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  reverseSequence,
  scaleGradient,
  sigmoid,
  sin,
  slice,
  softmax,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  topK,
  transpose,
  where,
} from "../index.ts";
import type { PrimitiveName } from "../primitives/table.ts";
import type { GradientCase } from "./central-differences.ts";

/** Primitives through which no gradient flows, or whose gradient is the subject of another one's case. */
export type WithoutCase =
  | "input"
  | "parameter"
  | "constant"
  | "less"
  | "equal"
  | "count"
  | "sign"
  | "randomUniform"
  | "stopGradient"
  | "argMax"
  | "oneHot"
  | "erf"
  | "gelu"
  | "lstmBackward"
  | "gruBackward"
  | "rnnBackward";

export const indices = (values: readonly number[], shape: readonly number[]) =>
  constant(values, shape, "int64");
const recurrent =
  (cell: "lstm" | "gru" | "rnn", which: "sequence" | "last", states: 0 | 1 | 2) =>
  (...inputs: Tensor[]) => {
    const outputs = applyAll(cell, inputs.slice(0, 5 + states), {});
    return which === "last" ? outputs[1] : outputs[0];
  };
export const recurrentShapes = (gates: number, states: number) => [
  [4, 2, 3],
  [gates * 2, 3],
  [gates * 2, 2],
  [gates * 2],
  [gates * 2],
  ...Array.from({ length: states }, () => [2, 2]),
];

const plainWindow = { strides: [1], dilations: [1], padding: [[0, 0]] } as const;
/** Numbers so far apart that a step does not change which value of a window is the largest. */
const apart = (count: number, shape: readonly number[]) =>
  constant(
    Array.from({ length: count }, (_, i) => 3 * ((i * 7) % count)),
    shape,
  );

/** Weights whose rows add up to zero, `[2, 4]`. */
const balancedRows = constant([1, -2, 3, -2, 0.5, 1, -1, -0.5], [2, 4]);

/** A missing case does not compile. */
export const gradientCases: { readonly [P in Exclude<PrimitiveName, WithoutCase>]: readonly GradientCase[] } =
  {
    add: [
      { shapes: [[2, 3], [3]], of: add },
      {
        shapes: [
          [2, 1, 3],
          [4, 1],
        ],
        of: add,
      },
    ],
    sub: [
      { shapes: [[3], [2, 3]], of: sub },
      { shapes: [[], [2]], of: sub },
    ],
    mul: [
      {
        shapes: [
          [2, 3],
          [2, 1],
        ],
        of: mul,
      },
      { shapes: [[2, 2]], of: (x) => mul(x, x) },
    ],
    div: [{ shapes: [[2, 3], [3]], of: div, range: [0.5, 2] }],
    maximum: [{ shapes: [[2, 3], [3]], of: maximum }],
    minimum: [
      {
        shapes: [
          [2, 3],
          [2, 1],
        ],
        of: minimum,
      },
    ],
    where: [{ shapes: [[2, 3], [3]], of: (a, b) => where(less(a, 0), a, b) }],
    neg: [{ shapes: [[3]], of: neg }],
    abs: [{ shapes: [[5]], of: abs }],
    exp: [{ shapes: [[3]], of: exp }],
    log: [{ shapes: [[3]], of: log, range: [0.5, 2] }],
    sqrt: [{ shapes: [[3]], of: sqrt, range: [0.5, 2] }],
    tanh: [{ shapes: [[3]], of: tanh }],
    sigmoid: [{ shapes: [[3]], of: sigmoid, range: [-3, 3] }],
    relu: [{ shapes: [[6]], of: relu }],
    leakyRelu: [{ shapes: [[6]], of: (x) => leakyRelu(x, 0.2), linear: true, range: [0.2, 1] }],
    sin: [{ shapes: [[5]], of: sin, range: [-3, 3] }],
    cos: [{ shapes: [[5]], of: cos, range: [-3, 3] }],
    cumulativeSum: [
      { shapes: [[2, 4]], of: (x) => square(cumulativeSum(x, 1)) },
      { shapes: [[3, 2]], of: (x) => square(cumulativeSum(x, 0, { reverse: true })) },
    ],
    topK: [{ shapes: [[2, 5]], of: (x) => square(topK(x, 3).values) }],
    flip: [{ shapes: [[2, 3]], of: (x) => mul(square(flip(x, 1)), constant([1, 2, 3], [3], x.dtype)) }],
    reverseSequence: [
      {
        shapes: [[4, 2, 2]],
        of: (x) => square(reverseSequence(x, indices([3, 4], [2]))),
      },
    ],
    gatherAlong: [
      { shapes: [[2, 3]], of: (x) => square(gatherAlong(x, indices([0, 0, 2, 1], [2, 2]))) },
      { shapes: [[3, 2]], of: (x) => square(gatherAlong(x, indices([2, 1, 2, 0], [2, 2]), 0)) },
    ],
    scatterAddAlong: [
      {
        shapes: [[2, 3]],
        of: (x) =>
          square(apply("scatterAddAlong", [x, indices([0, 0, 2, 1, 3, 1], [2, 3])], { axis: 1, size: 4 })),
      },
    ],
    scaleGradient: [{ shapes: [[3]], of: (x) => scaleGradient(square(x), 1) }],
    conv: [
      { linear: true, shapes: [[2, 3, 6], [4, 3, 3], [4]], of: (x, w, b) => conv(x, w, { bias: b }) },
      {
        linear: true,
        shapes: [
          [2, 2, 7],
          [2, 2, 2],
        ],
        of: (x, w) => conv(x, w, { padding: "causal", dilation: 3 }),
      },
      {
        linear: true,
        shapes: [
          [2, 2, 8],
          [3, 2, 3],
        ],
        of: (x, w) => conv(x, w, { stride: 2, padding: 1 }),
      },
      {
        linear: true,
        shapes: [
          [1, 4, 5],
          [6, 2, 3],
        ],
        of: (x, w) => conv(x, w, { groups: 2, padding: "same" }),
      },
      {
        linear: true,
        shapes: [
          [1, 4, 7],
          [4, 2, 3],
        ],
        of: (x, w) => conv(x, w, { groups: 2, stride: 3 }),
      },
      {
        linear: true,
        shapes: [
          [1, 3, 4],
          [3, 1, 2],
        ],
        of: (x, w) => conv(x, w, { groups: 3 }),
      },
      {
        linear: true,
        shapes: [
          [2, 2, 4, 5],
          [3, 2, 3, 2],
        ],
        of: (x, w) => conv(x, w, { padding: "same" }),
      },
      {
        linear: true,
        shapes: [
          [1, 2, 6, 5],
          [2, 2, 3, 2],
        ],
        of: (x, w) => conv(x, w, { stride: [2, 1], dilation: [1, 2], padding: [[1, 0], 2] }),
      },
      {
        linear: true,
        shapes: [
          [1, 2, 3],
          [2, 2, 1],
        ],
        of: (x, w) => conv(x, w, { padding: 2 }),
      },
    ],
    // Their own gradients are what a second derivative of a convolution is made of.
    convInputGradient: [
      {
        linear: true,
        shapes: [
          [2, 3, 4],
          [3, 2, 3],
        ],
        of: (dy, w) => apply("convInputGradient", [dy, w], { window: plainWindow, groups: 1, sizes: [6] }),
      },
    ],
    convWeightGradient: [
      {
        linear: true,
        shapes: [
          [2, 2, 6],
          [2, 3, 4],
        ],
        of: (x, dy) => apply("convWeightGradient", [x, dy], { window: plainWindow, groups: 1, kernel: [3] }),
      },
    ],
    maxPool: [
      {
        linear: true,
        shapes: [[1, 2, 6]],
        of: (x) => maxPool(add(x, apart(12, [1, 2, 6])), 2),
      },
      {
        linear: true,
        shapes: [[1, 1, 5, 4]],
        of: (x) => maxPool(add(x, apart(20, [1, 1, 5, 4])), 3, { stride: 1, padding: 1 }),
      },
    ],
    tileMax: [
      {
        linear: true,
        shapes: [[1, 2, 6]],
        of: (x) => apply("tileMax", [add(x, apart(12, [1, 2, 6]))], { axis: 2, size: 3 }),
      },
      {
        linear: true,
        shapes: [[1, 1, 4, 3]],
        of: (x) => apply("tileMax", [add(x, apart(12, [1, 1, 4, 3]))], { axis: 2, size: 2 }),
      },
    ],
    maxPoolGradient: [
      {
        linear: true,
        shapes: [[1, 1, 3]],
        of: (dy) =>
          apply(
            "maxPoolGradient",
            [dy, indices([1, 1, 4], [1, 1, 3]), constant(new Float32Array(6), [1, 1, 6])],
            {},
          ),
      },
    ],
    averagePool: [
      { linear: true, shapes: [[2, 2, 6]], of: (x) => averagePool(x, 2) },
      {
        linear: true,
        shapes: [[1, 2, 5, 4]],
        of: (x) => averagePool(x, [3, 2], { stride: [2, 1], padding: [1, 0] }),
      },
    ],
    cast: [{ shapes: [[3]], of: (x) => cast(mul(cast(x, "float64"), 2), "float64") }],
    sum: [
      { shapes: [[2, 3, 2]], of: (x) => square(sum(x, [0, 2])) },
      { shapes: [[2, 3]], of: (x) => mul(x, sum(x, 1, { keepDims: true })) },
    ],
    max: [
      { shapes: [[2, 4]], of: (x) => square(max(x, 1)) },
      { shapes: [[3, 2]], of: (x) => mul(x, max(x, 0, { keepDims: true })) },
    ],
    softmax: [
      { shapes: [[2, 4]], of: (x) => softmax(x) },
      { shapes: [[3, 2]], of: (x) => softmax(x, 0) },
    ],
    logSoftmax: [{ shapes: [[2, 4]], of: (x) => logSoftmax(x), range: [-3, 3] }],
    layerNorm: [
      { shapes: [[2, 3, 4], [4], [4]], of: (x, scale, shift) => layerNormalize(x, scale, shift, 1e-5) },
    ],
    standardize: [
      { shapes: [[2, 3, 4]], of: (x) => apply("standardize", [x], { epsilon: 1e-2 }) },
      {
        shapes: [[3, 4]],
        of: (x) => {
          const [y, inverse, balanced] = applyAll("standardize", [x], { epsilon: 1e-2 });
          const rows = cast(balancedRows, x.dtype);
          const product = matmul(square(matmul(balanced, rows, { transposeB: true })), rows);
          return add(product, mul(square(y), inverse));
        },
      },
    ],
    reshape: [{ shapes: [[2, 3]], of: (x) => square(reshape(x, [3, 2])) }],
    transpose: [{ shapes: [[2, 3, 4]], of: (x) => square(transpose(x, [2, 0, 1])) }],
    broadcastTo: [{ shapes: [[3, 1]], of: (x) => square(broadcastTo(x, [2, 3, 4])) }],
    slice: [
      { shapes: [[2, 5]], of: (x) => square(slice(x, 1, 1, 4)) },
      { shapes: [[4, 2]], of: (x) => slice(x, 0, -2) },
    ],
    pad: [{ shapes: [[2, 3]], of: (x) => square(apply("pad", [x], { axis: 1, before: 2, after: 1 })) }],
    concat: [
      {
        shapes: [
          [2, 1],
          [2, 3],
        ],
        of: (a, b) => square(concat([a, b, a], 1)),
      },
    ],
    split: [{ shapes: [[2, 5]], of: (x) => mul(split(x, 1, [2, 1, 2])[0], split(x, 1, [2, 1, 2])[2]) }],
    gather: [
      { shapes: [[4, 3]], of: (x) => square(gather(x, indices([3, 0, 3, 1], [2, 2]))) },
      { shapes: [[2, 4, 3]], of: (x) => square(gather(x, indices([1, 1, 2], [3]), 1)) },
    ],
    scatterAdd: [
      { shapes: [[3, 2]], of: (x) => square(apply("scatterAdd", [x, indices([1, 3, 1], [3])], { rows: 4 })) },
    ],
    matmul: [
      {
        shapes: [
          [2, 3],
          [3, 4],
        ],
        of: (a, b) => matmul(a, b),
      },
      {
        shapes: [
          [3, 2],
          [4, 3],
        ],
        of: (a, b) => matmul(a, b, { transposeA: true, transposeB: true }),
      },
      {
        shapes: [
          [2, 3, 4],
          [4, 2],
        ],
        of: (a, b) => matmul(a, b),
      },
      {
        shapes: [
          [2, 3, 4],
          [2, 4, 2],
        ],
        of: (a, b) => matmul(a, b),
      },
      {
        shapes: [
          [2, 2, 3],
          [1, 4, 3],
        ],
        of: (a, b) => matmul(a, b, { transposeB: true }),
      },
      {
        shapes: [
          [2, 3, 2],
          [2, 3, 4],
        ],
        of: (a, b) => matmul(a, b, { transposeA: true }),
      },
    ],
    lstm: [
      { shapes: recurrentShapes(4, 0), of: recurrent("lstm", "sequence", 0) },
      { shapes: recurrentShapes(4, 2), of: recurrent("lstm", "last", 2) },
      {
        shapes: recurrentShapes(4, 2),
        of: (...x) => add(sum(applyAll("lstm", x, {})[0]), sum(applyAll("lstm", x, {})[2])),
      },
    ],
    gru: [
      { shapes: recurrentShapes(3, 0), of: recurrent("gru", "sequence", 0) },
      { shapes: recurrentShapes(3, 1), of: recurrent("gru", "last", 1) },
    ],
    rnn: [
      { shapes: recurrentShapes(1, 0), of: recurrent("rnn", "sequence", 0) },
      { shapes: recurrentShapes(1, 1), of: recurrent("rnn", "last", 1) },
    ],
  };
