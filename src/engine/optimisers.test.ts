import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import {
  adagrad,
  adam,
  adamW,
  averageName,
  clipByNorm,
  compileTraining,
  constant,
  createRuntime,
  decayMatrices,
  evaluate,
  Linear,
  lion,
  type Optimiser,
  parameter,
  rmsprop,
  sgd,
  square,
  startTraining,
  sub,
  sum,
  withAverage,
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
  lion: lion(),
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

/** Steps of one optimiser down `Σ (p - bottom)²` from (2, -1, 0.5), at one rate. */
async function descend(optimiser: Optimiser, learningRate: number, steps: number) {
  const p = parameter({ shape: [3], data: Float32Array.of(2, -1, 0.5) });
  const training = await startTraining(
    runtime,
    compileTraining({
      parameters: [{ name: "p", parameter: p }],
      data: {},
      batchSize: 1,
      optimiser,
      loss: () => sum(square(sub(p, constant([0.5, 0.25, -1])))),
    }),
    { data: {}, seed: 0 },
  );
  const states = [];
  for (let step = 0; step < steps; step++) {
    await training.run({
      learningRates: Float32Array.of(learningRate),
      indices: new BigInt64Array(1),
      weights: new Float32Array(1),
    });
    states.push(await training.state());
  }
  await training.release();
  return states;
}

describe("steps as torch 1.13 does, in float64:", () => {
  test.each<[string, Optimiser, number, number, readonly number[]]>([
    ["adagrad", adagrad(), 0.1, 5, [1.690297254, -0.69320872, 0.190297254]],
    ["adamW", adamW({ weightDecay: 0.1 }), 0.1, 5, [1.4174160825, -0.4672694908, -0.0100427292]],
    // Lion as its paper states it, written with torch tensors.
    ["lion", lion({ weightDecay: 0.1 }), 0.3, 12, [0.5534925474, 0.1722351401, -1.0189395235]],
  ])("%s", async (_, optimiser, rate, steps, expected) => {
    const { parameters } = (await descend(optimiser, rate, steps))[steps - 1];
    expected.forEach((value, i) => {
      expect(parameters[i]).toBeCloseTo(value, 5);
    });
  });
});

describe("weight decay by group", () => {
  /** One step of a layer whose gradient is zero: only decay moves it. */
  const decayed = async (optimiser: Optimiser) => {
    const layer = new Linear(2, 1, keyFrom(3));
    layer.bias.value.fill(4);
    layer.weight.value.fill(2);
    const training = await startTraining(
      runtime,
      compileTraining({
        parameters: [
          { name: "weight", parameter: layer.weight },
          { name: "bias", parameter: layer.bias },
        ],
        data: {},
        batchSize: 1,
        optimiser,
        loss: () => sum(constant([0])),
      }),
      { data: {}, seed: 0 },
    );
    await training.run({
      learningRates: Float32Array.of(0.5),
      indices: new BigInt64Array(1),
      weights: new Float32Array(1),
    });
    const parameters = await training.parameters();
    await training.release();
    return [...parameters];
  };

  test("shrinks all parameters alike without groups", async () => {
    expect(await decayed(adamW({ weightDecay: 0.5 }))).toEqual([1.5, 1.5, 3]); // times 1 - 0.5 · 0.5
  });

  test("leaves biases alone where only matrices decay", async () => {
    const options = { weightDecay: 0.5, decayFactor: decayMatrices };
    expect(await decayed(adamW(options))).toEqual([1.5, 1.5, 4]);
    expect(await decayed(lion(options))).toEqual([1.5, 1.5, 4]);
  });

  test("follows a factor by name", async () => {
    const decayFactor = ({ name }: { name: string }) => (name === "bias" ? 2 : 0.5);
    expect(await decayed(adamW({ weightDecay: 0.5, decayFactor }))).toEqual([1.75, 1.75, 2]);
  });

  test("refuses a factor below 0, and names the parameter", async () => {
    await expect(decayed(adamW({ decayFactor: () => -1 }))).rejects.toThrow(
      "decay factor of weight: expected a number in [0, Infinity), received -1",
    );
  });
});

describe("the average of the parameters", () => {
  test("weighs every step by the decay to the power of its age", async () => {
    const states = await descend(withAverage(sgd({ momentum: 0.5 }), 0.8), 0.05, 4);
    const weights = [0.8 ** 3, 0.8 ** 2, 0.8, 1];
    const total = weights.reduce((a, b) => a + b);
    [0, 1, 2].forEach((i) => {
      const mean = states.reduce((sum, { parameters }, t) => sum + weights[t] * parameters[i], 0) / total;
      expect(states[3].memory[averageName][i]).toBeCloseTo(mean, 6);
    });
    expect(states[0].memory[averageName]).toEqual(states[0].parameters);
  });

  test("does not change the way of the optimiser", async () => {
    const [plain, averaged] = [
      await descend(adam(), 0.1, 3),
      await descend(withAverage(adam(), 0.9), 0.1, 3),
    ];
    expect(averaged[2].parameters).toEqual(plain[2].parameters);
  });
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
    ["adagrad epsilon: expected a number above 0, received 0", () => adagrad({ epsilon: 0 })],
    ["lion beta2: expected a number in [0, 1), received 1", () => lion({ beta2: 1 })],
    ["average decay: expected a number in [0, 1), received 1", () => withAverage(adam(), 1)],
    ["gradient clipping limit: expected a number above 0, received 0", () => clipByNorm(constant([1]), 0)],
  ])("%s", (message, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "MODEL_OPTION_INVALID", message }));
  });
});
