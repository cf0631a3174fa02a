import { afterAll, expect, test } from "vitest";
import { keyFrom, mean, normal } from "../src/base/index.ts";
import { purgedKFold, walkForward } from "../src/data/index.ts";
import {
  add,
  constant,
  createRuntime,
  evaluate,
  gather,
  Linear,
  matmul,
  meanSquaredError,
  mean as meanTensor,
  minimise,
  parametersOf,
} from "../src/engine/index.ts";
import { crossValidate, meanSquaredError as mse } from "../src/models/index.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

test("cross-validates a network on folds of the data layer, beside the mean of what was known", async () => {
  const samples = 60;
  const x = Float32Array.from(normal(keyFrom(1), samples * 2));
  const noise = normal(keyFrom(2), samples, 0, 0.1);
  const outcomes = Float32Array.from(noise, (e, i) => 2 * x[2 * i] - x[2 * i + 1] + 0.5 + e);
  const asOf = Float64Array.from({ length: samples }, (_, i) => i);
  const times = { asOf, labelTime: asOf.map((time) => time + 2) };
  for (const folds of [purgedKFold(times, { folds: 4, embargoMs: 1 }), walkForward(times, { folds: 3 })]) {
    const { mean: average, folds: judged } = await crossValidate({
      folds,
      outcomes,
      metrics: { mse },
      key: keyFrom(3),
      model: async ({ train, test: tested }, { key }) => {
        const layer = new Linear(2, 1, key);
        const data = {
          x: { dtype: "float32", shape: [samples, 2], data: x },
          y: { dtype: "float32", shape: [samples, 1], data: outcomes },
        } as const;
        const rows = (part: Int32Array) => constant([...part], [part.length], "int64");
        const { parameters } = await minimise({
          parameters: parametersOf(layer),
          data,
          loss: (columns) => {
            const predicted = layer.apply(gather(columns.x, rows(train)));
            return meanTensor(meanSquaredError(predicted, gather(columns.y, rows(train))));
          },
          runtime,
        });
        const [weight, bias] = [constant([...parameters.slice(0, 2)], [2, 1]), constant([parameters[2]])];
        const inputs = gather(constant(x, [samples, 2]), rows(tested));
        const [{ data: predicted }] = await evaluate([add(matmul(inputs, weight), bias)], {}, runtime);
        return predicted as Float32Array;
      },
      baseline: ({ train, test: tested }) =>
        new Array<number>(tested.length).fill(mean(Float64Array.from(train, (i) => outcomes[i]))),
    });
    expect(judged.length).toBe(folds.length);
    expect(average.model.mse).toBeLessThan(0.02); // the noise has a variance of 0.01
    expect(average.baseline.mse).toBeGreaterThan(1); // and the rule one of 5
  }
});
