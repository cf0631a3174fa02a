import { afterAll, describe, expect, test } from "vitest";
import {
  adam,
  adamW,
  clipByNorm,
  compileTraining,
  constant,
  createRuntime,
  evaluate,
  type Optimiser,
  parameter,
  rmsprop,
  sgd,
  square,
  startTraining,
  sub,
  sum,
} from "./index.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const optimisers: Record<string, Optimiser> = {
  sgd: sgd(),
  momentum: sgd({ momentum: 0.9 }),
  nesterov: sgd({ momentum: 0.9, nesterov: true }),
  rmsprop: rmsprop(),
  adam: adam(),
  adamW: adamW({ weightDecay: 0.001 }),
};

test.each(Object.entries(optimisers))("reaches the bottom of a bowl with %s", async (_, optimiser) => {
  const p = parameter({ shape: [3], data: Float32Array.of(2, -1, 0) });
  const bottom = [0.5, 0.25, -1];
  const training = await startTraining(
    runtime,
    compileTraining({
      parameters: [{ name: "p", parameter: p }],
      data: {},
      batchSize: 1,
      optimiser,
      loss: () => sum(square(sub(p, constant(bottom)))),
    }),
    { data: {}, seed: 0 },
  );
  const steps = 400;
  const { losses } = await training.run({
    // Falls to zero, so that those that move by the gradient's sign come to rest.
    learningRates: Float32Array.from({ length: steps }, (_, i) => 0.03 * (1 - i / steps)),
    indices: new BigInt64Array(steps),
    weights: new Float32Array(steps),
  });
  expect(losses[0]).toBeCloseTo(1.5 ** 2 + 1.25 ** 2 + 1, 5);
  const reached = await training.parameters();
  bottom.forEach((value, i) => {
    expect(reached[i]).toBeCloseTo(value, 2);
  });
  await training.release();
});

describe("clipping", () => {
  const clipped = async (values: number[], limit: number) => {
    const { gradient, norm } = clipByNorm(constant(values), limit);
    const [g, n] = await evaluate([gradient, norm], {}, runtime);
    return { gradient: [...(g.data as Float32Array)], norm: n.data[0] };
  };

  test("shortens a gradient that is too long, and keeps its direction", async () => {
    const { gradient, norm } = await clipped([3, -4], 1);
    expect(norm).toBe(5);
    expect(gradient[0]).toBeCloseTo(0.6, 6);
    expect(gradient[1]).toBeCloseTo(-0.8, 6);
  });

  test("leaves a short gradient, no gradient, and an infinite limit alone", async () => {
    expect(await clipped([3, -4], 6)).toEqual({ gradient: [3, -4], norm: 5 });
    expect(await clipped([0, 0], 1)).toEqual({ gradient: [0, 0], norm: 0 });
    expect(await clipped([300, 400], Number.POSITIVE_INFINITY)).toEqual({ gradient: [300, 400], norm: 500 });
  });
});

describe("refuses", () => {
  test.each<[string, () => unknown]>([
    ["sgd momentum: expected a number in [0, 1), received 1", () => sgd({ momentum: 1 })],
    ["sgd nesterov: expected a momentum above 0, received 0", () => sgd({ nesterov: true })],
    ["rmsprop alpha: expected a number in [0, 1), received -0.1", () => rmsprop({ alpha: -0.1 })],
    ["rmsprop epsilon: expected a number above 0, received 0", () => rmsprop({ epsilon: 0 })],
    ["adam beta1: expected a number in [0, 1), received 1", () => adam({ beta1: 1 })],
    ["adam beta2: expected a number in [0, 1), received NaN", () => adam({ beta2: Number.NaN })],
    ["adamW epsilon: expected a number above 0, received -1", () => adamW({ epsilon: -1 })],
    [
      "adamW weightDecay: expected a number in [0, Infinity), received -0.1",
      () => adamW({ weightDecay: -0.1 }),
    ],
    ["gradient clipping limit: expected a number above 0, received 0", () => clipByNorm(constant([1]), 0)],
  ])("%s", (message, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "MODEL_OPTION_INVALID", message }));
  });
});
