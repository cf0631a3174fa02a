import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import {
  Conv1d,
  createRuntime,
  Gru,
  input,
  Linear,
  Lstm,
  loadOnnx,
  matmul,
  maxPool,
  parameter,
  quantize,
  readOnnx,
  relu,
  reshape,
  type Tensor,
  type TensorValue,
  toOnnx,
  traceGraph,
} from "../index.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const answer = async (bytes: Uint8Array, feeds: Record<string, TensorValue>) => {
  const model = await loadOnnx(runtime, bytes);
  const copies = Object.entries(feeds).map(([name, value]) => [name, { ...value, data: value.data.slice() }]);
  const { y } = await model.run(Object.fromEntries(copies));
  await model.release();
  return [...y.data].map(Number);
};
const drawn = (...shape: number[]): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(
    normal(
      keyFrom(5),
      shape.reduce((a, b) => a * b, 1),
    ),
  ),
});
const rms = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe("a product of whole numbers", () => {
  const product = (weight: number[], columns: number) => {
    const w = parameter({ shape: [weight.length / columns, columns], data: Float32Array.from(weight) });
    return toOnnx(traceGraph({ y: matmul(input("x", ["batch", weight.length / columns]), w) }));
  };

  test("is exact where weights and inputs are multiples of their scales", async () => {
    // Columns have the scales 63/63 = 1 and 126/63 = 2; x from 0 to 255 has the scale 1.
    const bytes = product([63, 126, -10, 4], 2);
    const { bytes: small } = quantize(bytes, { minimumSize: 1 });
    const feeds = { x: { dtype: "float32" as const, shape: [1, 2], data: Float32Array.of(0, 255) } };
    expect(await answer(small, feeds)).toEqual([-2550, 1020]);
  });

  test("has an error within half a step of weight and input", async () => {
    const [rows, columns] = [32, 16];
    const weight = Array.from({ length: rows * columns }, (_, i) => Math.sin(i * i));
    const bytes = product(weight, columns);
    const x = drawn(20, rows);
    const [float, whole] = [
      await answer(bytes, { x }),
      await answer(quantize(bytes, { minimumSize: 1 }).bytes, { x }),
    ];
    const data = [...(x.data as Float32Array)];
    const [xStep, wStep] = [(Math.max(...data) - Math.min(...data)) / 255, 1 / 63];
    const bound =
      (xStep / 2) * rows * 1 + (wStep / 2) * rows * Math.max(...data.map(Math.abs)) + rows * xStep * wStep;
    float.forEach((value, i) => {
      expect(Math.abs(value - whole[i])).toBeLessThan(bound);
    });
  });
});

const layers = [new Linear(48, 64, keyFrom(1)), new Linear(64, 8, keyFrom(2))];
const dense = (x: Tensor) => layers[1].apply(relu(layers[0].apply(x)));
const model = toOnnx(traceGraph({ y: dense(input("x", ["batch", 48])) }));

test("makes a dense network three times smaller at a loss of less than three percent", async () => {
  const result = quantize(model);
  expect(result.quantized).toHaveLength(2);
  expect(result.kept).toEqual([]);
  expect(result.bytes.length).toBeLessThan(0.42 * model.length);
  for (const batch of [1, 64]) {
    const x = drawn(batch, 48);
    const [float, whole] = [await answer(model, { x }), await answer(result.bytes, { x })];
    expect(rms(float.map((value, i) => value - whole[i]))).toBeLessThan(0.03 * rms(float));
  }
});

test("loses about half as much with eight bits as with seven", async () => {
  const x = drawn(256, 48);
  const float = await answer(model, { x });
  const loss = async (bits: 7 | 8) => {
    const whole = await answer(quantize(model, { bits }).bytes, { x });
    return rms(float.map((value, i) => value - whole[i]));
  };
  expect(await loss(8)).toBeLessThan(await loss(7));
});

test("leaves small weights, and weights that are computed, as they are", () => {
  const y = matmul(
    matmul(input("x", ["batch", 2]), parameter({ shape: [2, 3], data: new Float32Array(6) })),
    input("w", [3, 2]),
  );
  const bytes = toOnnx(traceGraph({ y }));
  const { quantized, kept, bytes: same } = quantize(bytes);
  expect(quantized).toEqual([]);
  expect(kept).toEqual([
    expect.stringMatching(/^gemm_node_\d+: its weight has only 6 numbers$/),
    expect.stringMatching(/^gemm_node_\d+: its second factor is computed, not stored$/),
  ]);
  expect(same.length).toBe(bytes.length);
});

test("leaves convolutions in float and says so, beside a head in whole numbers", async () => {
  const convolution = new Conv1d(3, 16, 5, { padding: "same" }, keyFrom(6));
  const head = new Linear(16 * 10, 8, keyFrom(7));
  const y = head.apply(
    reshape(maxPool(relu(convolution.apply(input("x", ["batch", 3, 20]))), 2), ["batch", 160]),
  );
  const bytes = toOnnx(traceGraph({ y }));
  const result = quantize(bytes);
  expect(result.kept).toEqual([expect.stringMatching(/^conv_node_\d+: convolutions stay in float$/)]);
  expect(result.quantized).toEqual([expect.stringMatching(/^gemm_node/)]);
  const x = drawn(32, 3, 20);
  const [float, whole] = [await answer(bytes, { x }), await answer(result.bytes, { x })];
  expect(rms(float.map((value, i) => value - whole[i]))).toBeLessThan(0.03 * rms(float));
});

test("says of a GRU that only LSTMs can be quantised", () => {
  const gru = new Gru(8, 32, keyFrom(3));
  const bytes = toOnnx(traceGraph({ y: gru.run(input("x", ["batch", 12, 8])).last }));
  expect(quantize(bytes, { recurrent: true }).kept).toEqual([
    expect.stringMatching(/: of recurrent networks only LSTMs can be quantised$/),
  ]);
});

test("quantises an LSTM only when asked, because ONNX's own operators have none", async () => {
  const lstm = new Lstm(8, 32, keyFrom(3));
  const head = new Linear(32, 1, keyFrom(4));
  const bytes = toOnnx(traceGraph({ y: head.apply(lstm.run(input("x", ["batch", 12, 8])).last) }));
  expect(quantize(bytes).kept[0]).toMatch(
    /^lstm_node_\d+: LSTMs are quantised only when asked for \(recurrent\)$/,
  );
  const result = quantize(bytes, { recurrent: true });
  expect(result.quantized).toEqual([expect.stringMatching(/^lstm_node/)]);
  expect(readOnnx(result.bytes).otherDomains).toEqual(["com.microsoft"]);
  expect(result.bytes.length).toBeLessThan(0.4 * bytes.length);
  const x = drawn(16, 12, 8);
  const [float, whole] = [await answer(bytes, { x }), await answer(result.bytes, { x })];
  expect(rms(float.map((value, i) => value - whole[i]))).toBeLessThan(0.03 * rms(float));
});

test("needs an operator set that can quantise", () => {
  const old = model.slice();
  const at = old.lastIndexOf(17); // the version of the operator set is the last field of the file
  old[at] = 10;
  expect(() => quantize(old)).toThrow("expected operator set 11 or later, which can quantise, received 10");
});

const checker = spawnSync("/usr/bin/python3", ["-c", "import onnx"]).status === 0;
if (!checker) test.skip("passes the ONNX checker (/usr/bin/python3 has no module onnx)", () => {});
else {
  test("passes the ONNX checker", () => {
    const program =
      "import sys, onnx; onnx.checker.check_model(onnx.load_from_string(sys.stdin.buffer.read()), full_check=True)";
    const { stderr, status } = spawnSync("/usr/bin/python3", ["-c", program], {
      input: quantize(model).bytes,
    });
    expect([String(stderr), status]).toEqual(["", 0]);
  });
}
