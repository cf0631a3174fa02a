import { afterAll, expect, test } from "vitest";
import { applyAll } from "./apply.ts";
import {
  add,
  cast,
  concat,
  createRuntime,
  erf,
  evaluate,
  gather,
  gelu,
  gradient,
  input,
  layerNormalize,
  matmul,
  max,
  maximum,
  mean,
  mul,
  sign,
  split,
  square,
  stopGradient,
  sum,
  tanh,
} from "./index.ts";
import { checkGradient } from "./testing/central-differences.ts";
import { gradientCases, indices, recurrentShapes } from "./testing/gradient-cases.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

for (const [name, list] of Object.entries(gradientCases)) {
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
