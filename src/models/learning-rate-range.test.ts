import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../base/index.ts";
import {
  adam,
  createRuntime,
  gather,
  Linear,
  meanSquaredError,
  parametersOf,
  sgd,
  type TensorValue,
  weightedMean,
} from "../engine/index.ts";
import { type LearningRateRangeOptions, learningRateRange } from "./learning-rate-range.ts";

const [one, two] = [createRuntime({ threads: 1 }), createRuntime({ threads: 2 })];
afterAll(() => Promise.all([one.close(), two.close()]));

/** A linear rule of two inputs: the loss falls at any rate that is neither far too small nor above the one at which descent overshoots. */
function task(more: Partial<LearningRateRangeOptions> = {}) {
  const samples = 64;
  const x = Float32Array.from(normal(keyFrom(1), samples * 2));
  const y = Float32Array.from({ length: samples }, (_, i) => 3 * x[2 * i] - 2 * x[2 * i + 1]);
  const data: Record<string, TensorValue> = {
    x: { dtype: "float32", shape: [samples, 2], data: x },
    y: { dtype: "float32", shape: [samples, 1], data: y },
  };
  const layer = new Linear(2, 1, keyFrom(2));
  return {
    layer,
    parameters: parametersOf(layer),
    data,
    train: Int32Array.from({ length: samples }, (_, i) => i),
    loss: ({ data: columns, indices, weights }) =>
      weightedMean(
        meanSquaredError(layer.apply(gather(columns.x, indices)), gather(columns.y, indices)),
        weights,
      ),
    optimiser: sgd(),
    batchSize: 16,
    from: 1e-4,
    to: 100,
    key: keyFrom(3),
    runtime: one,
    ...more,
  } satisfies LearningRateRangeOptions & { layer: Linear };
}

describe("the learning-rate range test", () => {
  test("ends where the loss explodes, and suggests a rate below that at which it fell most steeply", async () => {
    const { curve, suggested } = await learningRateRange(task());
    const lowest = curve.reduce((best, point) => (point.loss < best.loss ? point : best));
    // Descent on a mean of squares overshoots above 2 / (2 λ), λ being the largest mean square of the inputs, about 1.
    expect(curve[curve.length - 1].rate).toBeGreaterThan(1);
    expect(curve[curve.length - 1].rate).toBeLessThan(100);
    expect(suggested).toBeGreaterThan(1e-3);
    expect(suggested).toBeLessThan(lowest.rate);
    curve.slice(1).forEach(({ rate }, i) => {
      expect(rate / curve[i].rate).toBeCloseTo(1e6 ** (1 / 99), 9);
    });
  });

  test("leaves the model as it was, and gives the same on one thread and on two", async () => {
    const before = task();
    const values = before.layer.weight.value.slice();
    const results = [await learningRateRange(before), await learningRateRange(task({ runtime: two }))];
    expect(results[0]).toEqual(results[1]);
    expect(before.layer.weight.value).toEqual(values);
  });

  test("suggests nothing where the loss never falls", async () => {
    const nothing = await learningRateRange(
      task({
        loss: (batch) => weightedMean(gather(batch.data.one, batch.indices), batch.weights),
        data: { one: { dtype: "float32", shape: [64], data: new Float32Array(64).fill(1) } },
        optimiser: adam(),
      }),
    );
    expect(nothing.suggested).toBeNull();
  });

  test.each<[string, Partial<LearningRateRangeOptions>, string]>([
    ["rates the wrong way round", { from: 1, to: 0.1 }, "expected 0 < from < to, received 1 and 0.1"],
    ["too few steps", { steps: 4 }, "expected 5 steps or more, received 4"],
    [
      "nothing to learn from",
      { train: new Int32Array() },
      "expected at least one train sample, received none",
    ],
  ])("refuses %s", async (_, more, message) => {
    await expect(learningRateRange(task(more))).rejects.toMatchObject({
      code: "MODEL_OPTION_INVALID",
      message: `learning-rate range test: ${message}`,
    });
  });
});
