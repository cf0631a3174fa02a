import { afterAll, expect, test } from "vitest";
import { apply, applyAll } from "./apply.ts";
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
  createRuntime,
  cumulativeSum,
  div,
  erf,
  evaluate,
  exp,
  flip,
  gather,
  gatherAlong,
  gelu,
  gradient,
  input,
  layerNormalize,
  leakyRelu,
  less,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool,
  mean,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  reverseSequence,
  scaleGradient,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  topK,
  transpose,
  where,
} from "./index.ts";
import type { PrimitiveName } from "./primitives/table.ts";
import { checkGradient, type GradientCase } from "./testing/central-differences.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

/** Primitives through which no gradient flows, or whose gradient is the subject of another one's case. */
type WithoutCase =
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

const indices = (values: readonly number[], shape: readonly number[]) => constant(values, shape, "int64");
const recurrent =
  (cell: "lstm" | "gru" | "rnn", which: "sequence" | "last", states: 0 | 1 | 2) =>
  (...inputs: Tensor[]) => {
    const outputs = applyAll(cell, inputs.slice(0, 5 + states), {});
    return which === "last" ? outputs[1] : outputs[0];
  };
const recurrentShapes = (gates: number, states: number) => [
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

/** One case or more for every primitive that has a gradient; a missing one does not compile. */
const cases: { readonly [P in Exclude<PrimitiveName, WithoutCase>]: readonly GradientCase[] } = {
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
  maximum: [
    { shapes: [[2, 3], [3]], of: maximum },
    { shapes: [[2, 3], [3]], of: (a, b) => apply("maximum", [a, b], { ties: "first" }) },
  ],
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

for (const [name, list] of Object.entries(cases)) {
  test(`differentiates ${name} as central differences do`, async () => {
    for (const [i, one] of list.entries()) await checkGradient(runtime, one, i + 1);
  });
}

test("differentiates a gradient again", async () => {
  // A gradient penalty: the square of d/dx of Σ tanh(x w), differentiated by w.
  await checkGradient(runtime, {
    shapes: [
      [2, 3],
      [3, 2],
    ],
    of: (x, w) => square(gradient(sum(tanh(matmul(x, w))), [x])[0]),
  });
});

test("lets nothing flow through sign, stopGradient, and what the loss does not depend on", async () => {
  const x = input("x", [2], "float64");
  const other = input("other", [2], "float64");
  const loss = sum(add(mul(stopGradient(x), x), sign(x)));
  const [dx, dOther] = await evaluate(
    gradient(loss, [x, other]),
    { x: { dtype: "float64", shape: [2], data: Float64Array.of(3, -4) } },
    runtime,
  );
  expect([...dx.data]).toEqual([3, -4]);
  expect([...dOther.data]).toEqual([0, 0]);
});

test("shares the gradient of a tie", async () => {
  const x = input("x", [3], "float64");
  const feeds = { x: { dtype: "float64" as const, shape: [3], data: Float64Array.of(2, 2, 1) } };
  const [byMax, byMaximum, average] = await evaluate(
    [gradient(max(x), [x])[0], gradient(sum(maximum(x, 2)), [x])[0], gradient(mean(x), [x])[0]],
    feeds,
    runtime,
  );
  expect([...byMax.data]).toEqual([0.5, 0.5, 0]);
  expect([...byMaximum.data]).toEqual([0.5, 0.5, 0]);
  expect([...average.data].map((v) => Number(v).toFixed(6))).toEqual(["0.333333", "0.333333", "0.333333"]);
});

test("names the loss's shape when it is not a scalar", () => {
  const x = input("x", [2]);
  expect(() => gradient(x, [x])).toThrow("expected a scalar loss, received shape [2]");
});

test("differentiates a layer norm's gradient again, through its statistics", async () => {
  await checkGradient(runtime, {
    shapes: [[2, 4], [4], [4]],
    of: (x, scale, shift) => {
      const y = layerNormalize(x, scale, shift, 1e-5);
      return add(y, square(gradient(sum(tanh(y)), [x])[0]));
    },
  });
});

test.each(["lstm", "gru", "rnn"] as const)("says that %s has no second derivative", (cell) => {
  const gates = { lstm: 4, gru: 3, rnn: 1 }[cell];
  const inputs = recurrentShapes(gates, 0).map((shape, i) => input(`x${i}`, shape));
  const [dx] = gradient(sum(applyAll(cell, inputs, {})[1]), [inputs[0]]);
  expect(() => gradient(sum(square(dx)), [inputs[0]])).toThrow(
    expect.objectContaining({ code: "SECOND_DERIVATIVE", message: expect.stringContaining(cell) }),
  );
});

test("differentiates sums over axes of size 1 and over no axis", async () => {
  await checkGradient(runtime, { shapes: [[1, 3]], of: (x) => square(sum(x, 0)) });
  await checkGradient(runtime, { shapes: [[2, 1, 3]], of: (x) => mul(x, sum(x, 1, { keepDims: true })) });
  await checkGradient(runtime, { shapes: [[2, 3]], of: (x) => square(sum(x, [])) });
  await checkGradient(runtime, { shapes: [[1], [1, 1, 3]], of: (a, b) => mul(a, b) });
});

test("takes one row with a scalar index, and gives its gradient back", async () => {
  await checkGradient(runtime, { shapes: [[3, 2]], of: (x) => square(gather(x, indices([1], []))) });
  await checkGradient(runtime, { shapes: [[2, 3]], of: (x) => square(gather(x, indices([2], []), 1)) });
});

test("adds up what reaches a tensor along several ways, the targets in between included", async () => {
  const x = input("x", [2], "float64");
  const y = square(x);
  const loss = sum(add(mul(y, 3), mul(y, x))); // 3x² + x³
  const [dx, dy] = await evaluate(
    gradient(loss, [x, y]),
    { x: { dtype: "float64", shape: [2], data: Float64Array.of(2, -1) } },
    runtime,
  );
  expect([...dx.data]).toEqual([6 * 2 + 3 * 4, -6 + 3]);
  expect([...dy.data]).toEqual([3 + 2, 3 - 1]);
});

test("lets nothing flow through whole numbers", async () => {
  const x = input("x", [2], "float64");
  const [dx] = await evaluate(
    gradient(sum(mul(cast(cast(x, "int64"), "float64"), x)), [x]),
    { x: { dtype: "float64", shape: [2], data: Float64Array.of(2.5, -1.5) } },
    runtime,
  );
  expect([...dx.data]).toEqual([2, -1]);
});

test("gives zero to the unused parts of a split, infinite ones too", async () => {
  const x = input("x", [3], "float64");
  const [dx] = await evaluate(
    gradient(sum(square(split(x, 0, [1, 2])[0])), [x]),
    { x: { dtype: "float64", shape: [3], data: Float64Array.of(3, Number.POSITIVE_INFINITY, Number.NaN) } },
    runtime,
  );
  expect([...dx.data]).toEqual([6, 0, 0]);
});

test.each([1, 4])("differentiates with an open batch of %i rows", async (batch) => {
  const x = input("x", ["batch", 3], "float64");
  const w = input("w", [3], "float64");
  const data = Float64Array.from({ length: 3 * batch }, (_, i) => Math.sin(i));
  // mean over the batch of (x · w)²: by w it is the mean of 2 (x · w) x
  const loss = mean(square(sum(mul(x, w), 1)));
  const weights = [0.5, -1, 2];
  const [dw, dx, unused] = await evaluate(
    gradient(loss, [w, x, input("unused", ["batch"], "float64")]),
    {
      x: { dtype: "float64", shape: [batch, 3], data },
      w: { dtype: "float64", shape: [3], data: Float64Array.from(weights) },
    },
    runtime,
  );
  const rows = Array.from({ length: batch }, (_, row) => data.subarray(3 * row, 3 * row + 3));
  const products = rows.map((row) => row.reduce((total, value, i) => total + value * weights[i], 0));
  weights.forEach((weight, i) => {
    const expected = rows.reduce((total, row, b) => total + (2 * products[b] * row[i]) / batch, 0);
    expect(dw.data[i]).toBeCloseTo(expected, 12);
    expect(dx.data[i]).toBeCloseTo((2 * products[0] * weight) / batch, 12);
  });
  expect(unused.shape).toEqual([batch]);
  expect([...unused.data]).toEqual(Array.from({ length: batch }, () => 0));
});

test("says which axis must have a fixed size for a gradient", () => {
  const x = input("x", ["batch", 2]);
  expect(() => gradient(sum(concat([x, x], 0)), [x])).toThrow(
    "gradient of concat: expected a fixed size at axis 0, received [batch, 2]",
  );
  expect(() => gradient(sum(gather(x, indices([0], [1]))), [x])).toThrow(
    "gradient of gather: expected a fixed size at axis 0, received [batch, 2]",
  );
});

// ONNX Runtime has these two in float32 only, where central differences say little. Numbers of torch 1.13 in float64.
test.each([
  {
    name: "erf",
    of: erf,
    values: [-0.99997791, -0.842700793, -0.27632639, 0, 0.520499878, 0.995322265],
    slopes: [0.000139253, 0.415107497, 1.060014129, 1.128379167, 0.878782579, 0.020666985],
  },
  {
    name: "gelu",
    of: gelu,
    values: [-0.004049694, -0.158655254, -0.100323419, 0, 0.345731231, 1.954499736],
    slopes: [-0.011945647, -0.083315471, 0.304626645, 0.5, 0.867495125, 1.085231801],
  },
])("gives values and slopes of $name", async ({ of, values, slopes }) => {
  const x = input("x", [6]);
  const y = of(x);
  const found = await evaluate(
    [y, ...gradient(sum(y), [x])],
    { x: { dtype: "float32", shape: [6], data: Float32Array.of(-3, -1, -0.25, 0, 0.5, 2) } },
    runtime,
  );
  [values, slopes].forEach((expected, i) => {
    expected.forEach((value, k) => {
      expect(found[i].data[k]).toBeCloseTo(value, 6);
    });
  });
});
