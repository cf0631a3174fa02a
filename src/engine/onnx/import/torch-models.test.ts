/** A convolutional network, a Transformer encoder and a GRU over packed sequences as torch exports them (`testing/torch-models.py`). */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import {
  adam,
  compileTraining,
  createRuntime,
  gather,
  importOnnx,
  input,
  loadOnnx,
  meanSquaredError,
  parametersOf,
  startTraining,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "../../index.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

const folder = new URL("../testing/", import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL("torch-models.json", folder), "utf8")) as {
  cases: Record<string, { shape: number[]; x: number[]; y: number[] }[]> & {
    packed: { shape: number[]; tokens: number[]; lengths: number[]; y: number[] }[];
  };
};
const bytesOf = (name: string) => readFileSync(new URL(`torch-${name}.onnx`, folder));
const float = (shape: readonly number[], data: ArrayLike<number>) =>
  ({ dtype: "float32", shape, data: Float32Array.from(data) }) as const;

describe.each(["convolutions", "encoder"])("torch's %s", (name) => {
  test("give torch's numbers for any batch", async () => {
    const imported = importOnnx(bytesOf(name));
    const [, ...sample] = cases[name][0].shape;
    const { y } = imported.apply({ x: input("x", ["batch", ...sample]) });
    const model = await loadOnnx(runtime, toOnnx(traceGraph({ y })));
    for (const one of cases[name]) {
      const answer = await model.run({ x: float(one.shape, one.x) });
      expect(answer.y.shape).toEqual([one.shape[0], one.y.length / one.shape[0]]);
      one.y.forEach((value, i) => {
        expect(Number(answer.y.data[i])).toBeCloseTo(value, 5);
      });
    }
    await model.release();
  });

  test("learn on: the loss falls, and what batch norm has seen stays", async () => {
    const imported = importOnnx(bytesOf(name));
    const [samples, ...sample] = cases[name][2].shape;
    const outputs = cases[name][2].y.length / samples;
    const data = {
      x: float([samples, ...sample], cases[name][2].x),
      y: float(
        [samples, outputs],
        cases[name][2].y.map((value) => -value), // the old answers, turned around
      ),
    };
    const parameters = parametersOf(imported.parameters);
    const program = compileTraining({
      parameters,
      data,
      batchSize: samples,
      optimiser: adam(),
      loss: ({ data: given, indices, weights }) =>
        weightedMean(
          meanSquaredError(imported.apply({ x: gather(given.x, indices) }).y, gather(given.y, indices)),
          weights,
        ),
    });
    const training = await startTraining(runtime, program, { data, seed: 0 });
    const steps = 40;
    const { losses } = await training.run({
      learningRates: new Float32Array(steps).fill(0.02),
      indices: BigInt64Array.from({ length: steps * samples }, (_, i) => BigInt(i % samples)),
      weights: new Float32Array(steps * samples).fill(1),
    });
    const trained = unpackParameters(parameters, await training.parameters());
    await training.release();
    expect(losses[steps - 1]).toBeLessThan(0.3 * losses[0]);
    for (const { parameter, values } of trained) {
      const same = values.every((value, i) => value === parameter.value[i]);
      expect(same).toBe(parameter.role === "statistic");
    }
  });
});

test("torch's GRU over packed sequences gives torch's numbers for any batch and lengths", async () => {
  const whole = (shape: readonly number[], data: readonly number[]) =>
    ({ dtype: "int64", shape, data: BigInt64Array.from(data, BigInt) }) as const;
  const tokens = input("tokens", ["batch", 6], "int64");
  const lengths = input("lengths", ["batch"], "int64");
  const { y } = importOnnx(bytesOf("packed")).apply({ tokens, lengths });
  const model = await loadOnnx(runtime, toOnnx(traceGraph({ y })));
  for (const one of cases.packed) {
    const answer = await model.run({
      tokens: whole(one.shape, one.tokens),
      lengths: whole([one.lengths.length], one.lengths),
    });
    one.y.forEach((value, i) => {
      expect(Number(answer.y.data[i])).toBeCloseTo(value, 5);
    });
  }
  await model.release();
});

test("lists what batch norm learned and what it has seen under torch's names", () => {
  const { parameters } = importOnnx(bytesOf("convolutions"));
  const named = (role: string) =>
    Object.entries(parameters).flatMap(([name, one]) => (one.role === role ? [name] : []));
  expect(named("learned")).toEqual(expect.arrayContaining(["stem.weight", "norm.weight", "norm2.bias"]));
  expect(named("statistic")).toEqual([
    "norm.running_mean",
    "norm.running_var",
    "norm2.running_mean",
    "norm2.running_var",
  ]);
});

test("finds every weight of the encoder", () => {
  const { parameters } = importOnnx(bytesOf("encoder"));
  const total = Object.values(parameters).reduce((sum, { value }) => sum + value.length, 0);
  // A block: three projections and one more of 8·8 + 8, up 8·16 + 16, down 16·8 + 8, two norms of 8 + 8.
  const block = 4 * 72 + 144 + 136 + 32;
  expect(total).toBe(3 * 8 + 8 + 6 * 8 + 2 * block + 8 * 2 + 2);
});
