/**
 * Laws that every architecture keeps: it has the parameters that its paper counts, its untrained output has the spread that its initial
 * values imply, it learns 32 samples by heart, and its exported file answers what the trained graph answers, for any batch.
 */
import { afterAll, describe, expect, test } from "vitest";
import {
  adam,
  compileTraining,
  createRuntime,
  evaluate,
  gather,
  input,
  parametersOf,
  startTraining,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  viewsOf,
} from "../engine/index.ts";
import { architectureCases, bertCount, gptCount, samples, total } from "./testing/architecture-cases.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe.each(architectureCases)("$name", (made) => {
  const { model, output, data } = made;
  const parameters = parametersOf(model);
  const size = total(parameters.map(({ parameter }) => parameter.value.length));
  const open = Object.fromEntries(
    Object.entries(data).map(([name, { dtype, shape }]) => [
      name,
      input(name, ["batch", ...shape.slice(1)], dtype),
    ]),
  );
  const answer = output(open);
  /** The columns that the output reads, of some samples. */
  const feeds = (from: number, end: number): Record<string, TensorValue> => {
    const read = traceGraph({ answer }).inputs;
    return Object.fromEntries(
      Object.entries(data)
        .filter(([name]) => read.includes(open[name]))
        .map(([name, { dtype, shape, data }]) => {
          const row = data.length / samples;
          return [
            name,
            { dtype, shape: [end - from, ...shape.slice(1)], data: data.slice(from * row, end * row) },
          ];
        }),
    );
  };

  test("has the parameters that its paper counts", () => {
    expect(size).toBe(made.parameters);
  });

  test("begins with the spread that its initial values imply", async () => {
    const [{ data: values }] = await evaluate([answer], feeds(0, samples), runtime);
    const size = Math.sqrt(total([...(values as Float32Array)].map((value) => value ** 2)) / values.length);
    const [expected, share] = made.spread;
    expect(Math.abs(size - expected)).toBeLessThanOrEqual(share * expected);
  });

  test("learns 32 samples by heart, and its file answers the same for any batch", async () => {
    const program = compileTraining({
      parameters,
      data,
      batchSize: samples,
      optimiser: adam(),
      loss: ({ data: columns, indices, weights, pass }) => {
        const batch = Object.entries(columns).map(([name, column]) => [name, gather(column, indices)]);
        return made.loss(Object.fromEntries(batch), weights, pass);
      },
    });
    const training = await startTraining(runtime, program, { data, seed: 1 });
    const { losses } = await training.run({
      learningRates: new Float32Array(made.steps).fill(made.rate),
      indices: BigInt64Array.from({ length: made.steps * samples }, (_, i) => BigInt(i % samples)),
      weights: new Float32Array(made.steps * samples).fill(1),
    });
    const packed = await training.parameters();
    await training.release();
    const last = losses.slice(-10).reduce((a, b) => a + b, 0) / 10;
    expect(last).toBeLessThan((made.remains ?? 0.05) * losses[0]);

    // The trained graph reads its parameters from a vector; the exported one holds them, and leaves the batch open.
    const arrays = parameters.map(({ parameter }) => parameter);
    const trained = traceGraph({ answer }, { replace: viewsOf(input("packed", [size]), arrays) });
    const values = unpackParameters(parameters, packed);
    const file = toOnnx(traceGraph({ answer }), {
      parameterNames: new Map(values.map(({ parameter, name }) => [parameter, name])),
      parameterValues: new Map(values.map(({ parameter, values }) => [parameter, values])),
    });
    const [graph, exported] = [await runtime.load(toOnnx(trained, { opset: 18 })), await runtime.load(file)];
    const all = { ...feeds(0, samples), packed: { dtype: "float32" as const, shape: [size], data: packed } };
    const expected = (await graph.run({ feeds: all, fetch: ["answer"] })).outputs.answer.data as Float32Array;
    const scale = Math.max(1, ...expected.map(Math.abs));
    for (const [from, end] of [
      [0, samples],
      [5, 6],
      [20, 27],
    ]) {
      const { outputs } = await exported.run({ feeds: feeds(from, end), fetch: ["answer"] });
      const row = expected.length / samples;
      expect(outputs.answer.data.length).toBe((end - from) * row);
      (outputs.answer.data as Float32Array).forEach((value, i) => {
        expect(Math.abs(value - expected[from * row + i]) / scale).toBeLessThan(1e-5);
      });
    }
    await graph.release();
    await exported.release();
  });
});

test("counts BERT-base and GPT-2 as they were published", () => {
  expect(bertCount(30_522, 512, 2, 768, 12, 3072)).toBe(109_482_240);
  expect(gptCount(50_257, 1024, 768, 12)).toBe(124_439_808);
});
