/** Every architecture meets the same tests: size, start, learning, export. A row of the table without a case here does not compile. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyFrom, normal, uniform } from "../../base/index.ts";
import {
  adam,
  compileTraining,
  createRuntime,
  evaluate,
  gather,
  input,
  type Layer,
  type Linear,
  meanSquaredError,
  parametersOf,
  startTraining,
  sum,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "../../engine/index.ts";
import { ChartNetwork } from "./cnn2d.ts";
import { architectures, type NetworkName, type NetworkOptions, network, networkNames } from "./network.ts";

const runtime = createRuntime({ threads: 1 });
const elsewhere = createRuntime({ threads: 1 });
afterAll(() => Promise.all([runtime.close(), elsewhere.close()]));

const [lookback, features, outputs, hidden] = [24, 3, 2, 8];
/** What the forecasting papers' networks say of each channel: six steps, a quarter of the window. */
const steps = 6;
const window = { lookback, features, outputs };

/** Parameters of the parts that the formulas below are made of. */
const linear = (from: number, to: number) => from * to + to;
const conv = (from: number, to: number, kernel: number, { bias = true } = {}) =>
  from * to * kernel + (bias ? to : 0);
const norm = (width: number) => 2 * width; // scale and shift; running statistics are not learned
const attention = 4 * linear(hidden, hidden);
const readout = linear(features * steps, outputs);
const gates = (count: number) => {
  const layer = (from: number) => count * hidden * (from + hidden + 2);
  return layer(features) + layer(hidden) + linear(hidden, outputs);
};
const encoderBlock = (dense: number) =>
  attention + linear(hidden, dense) + linear(dense, hidden) + 2 * norm(hidden);
const basisBlock = (coefficients: number) =>
  linear(lookback, hidden) + 3 * linear(hidden, hidden) + linear(hidden, coefficients);

interface Case {
  readonly options: Partial<NetworkOptions>;
  /** From the paper's formula, or the authors' code. */
  readonly parameters: number;
  /** Bounds of the deviation of a new network's answers to standard normal numbers: small, and not nothing. */
  readonly spread: readonly [number, number];
  /** Steps of Adam, on 32 samples at once, after which the loss is below a hundredth of the targets' variance. */
  readonly steps: number;
  readonly rate: number;
}

const dense: Case = {
  options: { hiddenSize: hidden, numLayers: 2 },
  parameters: linear(lookback * features, hidden) + linear(hidden, hidden) + linear(hidden, outputs),
  spread: [0.003, 0.01],
  steps: 600,
  rate: 0.02,
};
const recurrentOptions = { hiddenSize: hidden, numLayers: 2 };

const cases: Readonly<Record<NetworkName | "cnn2d", Case>> = {
  lstm: {
    options: recurrentOptions,
    parameters: gates(4),
    spread: [0.004, 0.015],
    steps: 500,
    rate: 0.03,
  },
  gru: {
    options: recurrentOptions,
    parameters: gates(3),
    spread: [0.008, 0.03],
    steps: 500,
    rate: 0.03,
  },
  rnn: {
    options: recurrentOptions,
    parameters: gates(1),
    spread: [0.02, 0.07],
    steps: 1500,
    rate: 0.01,
  },
  mlp: dense,
  dense,
  linear: {
    options: {},
    parameters: linear(lookback * features, outputs),
    // Uniform weights of ±0.1 / √72 and 72 inputs: √(72 * 0.01 / 72 / 3) = 0.058.
    spread: [0.05, 0.065],
    steps: 600,
    rate: 0.02,
  },
  cnn1d: {
    options: { hiddenSize: hidden },
    parameters:
      conv(features, hidden, 8) +
      conv(hidden, 2 * hidden, 5) +
      conv(2 * hidden, hidden, 3) +
      norm(hidden + 2 * hidden + hidden) +
      linear(hidden, outputs),
    spread: [0.0005, 0.002],
    steps: 500,
    rate: 0.02,
  },
  cnn2d: {
    // The 5-day picture in small; the published counts are tested below.
    options: {},
    parameters: conv(1, 4, 15) + norm(4) + conv(4, 8, 15) + norm(8) + linear(8 * 8 * 15, outputs),
    spread: [0.0015, 0.005],
    steps: 60,
    rate: 0.01,
  },
  inceptionTime: {
    options: { hiddenSize: 2, numLayers: 3, kernelSize: 9 },
    // Blocks of 4 x 2 channels: bottleneck of 32, kernels 9, 4 and 2, the pooled branch, batch norm; one shortcut with its own.
    parameters:
      [features, 8, 8].reduce((total, from) => {
        const convolution = (kernel: number) => conv(32, 2, kernel, { bias: false });
        const narrow = conv(from, 32, 1, { bias: false });
        return (
          total +
          narrow +
          convolution(9) +
          convolution(4) +
          convolution(2) +
          conv(from, 2, 1, { bias: false }) +
          norm(8)
        );
      }, 0) +
      conv(features, 8, 1, { bias: false }) +
      norm(8) +
      linear(8, outputs),
    spread: [0.003, 0.01],
    steps: 300,
    rate: 0.02,
  },
  tcn: {
    options: { hiddenSize: hidden, kernelSize: 3 },
    // Three blocks see 1 + 2 * 2 * 7 = 29 of the 24 steps; weight norm adds a length for each channel.
    parameters:
      conv(features, hidden, 3) +
      hidden +
      5 * (conv(hidden, hidden, 3) + hidden) +
      conv(features, hidden, 1) +
      linear(hidden, outputs),
    spread: [0.01, 0.04],
    steps: 400,
    rate: 0.01,
  },
  dlinear: {
    options: { kernelSize: 5 },
    parameters: 2 * linear(lookback, steps) + readout,
    spread: [0.015, 0.05],
    steps: 1500,
    rate: 0.01,
  },
  nlinear: {
    options: {},
    parameters: linear(lookback, steps) + readout,
    spread: [0.05, 0.2],
    steps: 1500,
    rate: 0.01,
  },
  nbeats: {
    options: { hiddenSize: hidden, numLayers: 2 },
    parameters: 2 * basisBlock(lookback + steps) + readout,
    spread: [0.003, 0.01],
    steps: 800,
    rate: 0.01,
  },
  nbeatsInterpretable: {
    options: { hiddenSize: hidden, numLayers: 2 },
    // A trend has 3 powers, and 6 steps have 0, 1 and 2 cycles, each a cosine and a sine; each once back and once ahead.
    parameters: basisBlock(2 * 3) + basisBlock(2 * 2 * 3) + readout,
    spread: [0.01, 0.04],
    steps: 1500,
    rate: 0.01,
  },
  nhits: {
    options: { hiddenSize: hidden, numLayers: 3 },
    // Pooled over 4, 2 and 1 steps; floor(6 / rate) points ahead.
    parameters:
      [4, 2, 1].reduce(
        (total, rate) =>
          total +
          linear(lookback / rate, hidden) +
          linear(hidden, hidden) +
          linear(hidden, lookback + Math.floor(steps / rate)),
        0,
      ) + readout,
    spread: [0.004, 0.014],
    steps: 800,
    rate: 0.01,
  },
  patchTst: {
    options: { hiddenSize: hidden, numLayers: 2, numHeads: 2, patchLength: 8 },
    // Patches of 8 at every 4th of 24 + 4 steps: 6 of them, with a learned position each.
    parameters:
      linear(8, hidden) + 6 * hidden + 2 * encoderBlock(2 * hidden) + linear(6 * hidden, steps) + readout,
    spread: [0.01, 0.04],
    steps: 400,
    rate: 0.01,
  },
  transformer: {
    options: { hiddenSize: hidden, numLayers: 2, numHeads: 2 },
    parameters:
      linear(features, hidden) + 2 * encoderBlock(4 * hidden) + norm(hidden) + linear(hidden, outputs),
    spread: [0.02, 0.07],
    steps: 600,
    rate: 0.01,
  },
  itransformer: {
    options: { hiddenSize: hidden, numLayers: 2, numHeads: 2 },
    parameters:
      linear(lookback, hidden) + 2 * encoderBlock(hidden) + norm(hidden) + linear(hidden, steps) + readout,
    spread: [0.015, 0.05],
    steps: 800,
    rate: 0.01,
  },
};

const make = (name: NetworkName | "cnn2d", key: number, dropout = 0): Layer =>
  name === "cnn2d"
    ? new ChartNetwork({ days: 5, outputs, channels: 4, dropout }, keyFrom(key))
    : network(name, { ...window, ...cases[name].options, dropout }, keyFrom(key));
const sampleShape = (name: string) => (name === "cnn2d" ? [1, 32, 15] : [lookback, features]);
const float32 = (shape: readonly number[], data: ArrayLike<number>): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});
/** Standard normal windows; for charts, pixels of which a fifth are drawn. */
function samples(name: string, count: number, seed = 1): TensorValue {
  const shape = [count, ...sampleShape(name)];
  const size = shape.reduce((a, b) => a * b, 1);
  const pixels = () => uniform(keyFrom(seed), size).map((value) => (value < 0.2 ? 1 : 0));
  return float32(shape, name === "cnn2d" ? pixels() : normal(keyFrom(seed), size));
}
async function answers(made: Layer, x: TensorValue): Promise<number[]> {
  const [y] = await evaluate([made.apply(input("x", x.shape))], { x }, runtime);
  return [...(y.data as Float32Array)];
}
const learnedOf = (made: Layer) => parametersOf(made).filter(({ parameter }) => parameter.role === "learned");

describe.each(Object.entries(cases) as [NetworkName | "cnn2d", Case][])("%s", (name, row) => {
  const made = make(name, 1);
  const count = 32;
  let losses: Float32Array;
  /** The network after training. */
  const trained = make(name, 1);

  beforeAll(async () => {
    const data = {
      x: samples(name, count),
      y: float32([count, outputs], normal(keyFrom(2), count * outputs)),
    };
    const program = compileTraining({
      parameters: parametersOf(trained),
      data,
      batchSize: count,
      shards: 1,
      optimiser: adam(),
      clipNorm: 1,
      loss: ({ data, indices, weights, pass }) => {
        const answer = trained.apply(gather(data.x, indices), pass);
        return weightedMean(meanSquaredError(answer, gather(data.y, indices)), weights);
      },
    });
    const training = await startTraining(runtime, program, { data, seed: 1 });
    ({ losses } = await training.run({
      // Falling to a twentieth, so that the end is calm.
      learningRates: Float32Array.from(
        { length: row.steps },
        (_, i) => row.rate * (1 - (0.95 * i) / row.steps),
      ),
      indices: BigInt64Array.from({ length: row.steps * count }, (_, i) => BigInt(i % count)),
      weights: new Float32Array(row.steps * count).fill(1),
    }));
    for (const { parameter, values } of unpackParameters(
      program.spec.parameters,
      await training.parameters(),
    ))
      parameter.value.set(values);
    await training.release();
  });

  test("has the parameters of its formula, and uses every one", () => {
    const learned = learnedOf(made);
    expect(learned.reduce((total, { parameter }) => total + parameter.value.length, 0)).toBe(row.parameters);
    const used = new Set(
      traceGraph({ y: sum(made.apply(input("x", ["batch", ...sampleShape(name)]))) }).parameters,
    );
    for (const { name: place, parameter } of parametersOf(made))
      expect(used.has(parameter), place).toBe(true);
  });

  test("starts near zero with the expected spread, the same for the same key", async () => {
    const y = await answers(made, samples(name, 500));
    const mean = y.reduce((a, b) => a + b, 0) / y.length;
    const deviation = Math.sqrt(y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length);
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(deviation).toBeGreaterThan(row.spread[0]);
    expect(deviation).toBeLessThan(row.spread[1]);
    const values = (key: number) => parametersOf(make(name, key)).map(({ parameter }) => parameter.value);
    expect(values(1)).toEqual(parametersOf(made).map(({ parameter }) => parameter.value));
    expect(values(2)).not.toEqual(values(1));
  });

  test("learns 32 samples by heart", () => {
    expect(losses[0]).toBeGreaterThan(0.5); // targets of variance 1
    expect(losses[row.steps - 1]).toBeLessThan(0.01);
  });

  test("answers the same as an exported file, for any batch, each row by itself", async () => {
    const x = samples(name, 5, 3);
    const expected = await answers(trained, x);
    const graph = traceGraph({ y: trained.apply(input("x", ["batch", ...sampleShape(name)])) });
    const session = await elsewhere.load(toOnnx(graph));
    const size = x.data.length / 5;
    for (const [from, rows] of [
      [0, 5],
      [4, 1],
    ]) {
      const part = x.data.subarray(from * size, (from + rows) * size) as Float32Array;
      const feeds = { x: float32([rows, ...sampleShape(name)], part) };
      const { outputs: received } = await session.run({ feeds, fetch: ["y"] });
      expect(received.y.shape).toEqual([rows, outputs]);
      for (let i = 0; i < rows * outputs; i++)
        expect(Number(received.y.data[i])).toBeCloseTo(expected[from * outputs + i], 4);
    }
    await session.release();
  });

  test("draws nothing at random in inference", () => {
    const dropping = make(name, 1, 0.5);
    const x = input("x", [4, ...sampleShape(name)]);
    const { nodes } = traceGraph({ y: dropping.apply(x) });
    expect(nodes.map((node) => node.primitive)).not.toContain("randomUniform");
    const seed = input("seed", [], "uint32");
    const training = traceGraph({ y: dropping.apply(x, { mode: "training", seed, track() {} }) }).nodes;
    const salts = training.flatMap(({ primitive, attributes }) =>
      primitive === "randomUniform" ? [(attributes as { readonly salt: number }).salt] : [],
    );
    const dropsOut = name === "cnn2d" || "dropout" in architectures[name].defaults(window);
    expect(salts.length > 0).toBe(dropsOut);
    expect(new Set(salts).size, "each layer has its own draws").toBe(salts.length);
  });
});

test.each(["nlinear", "patchTst", "itransformer"] as const)(
  "forecasts with %s a window that lies higher as the same, so much higher",
  async (name) => {
    const made = make(name, 1) as Layer & { readonly readout: { readonly head: Linear } };
    const x = samples(name, 4);
    const higher = float32(
      x.shape,
      Float32Array.from(x.data as Float32Array, (value) => value + 2),
    );
    const [low, high] = [await answers(made, x), await answers(made, higher)];
    // Every forecast step of every channel is 2 higher, and the readout is linear.
    const { weight } = made.readout.head;
    const size = features * steps;
    low.forEach((value, i) => {
      const row = weight.value.subarray((i % outputs) * size, ((i % outputs) + 1) * size);
      expect(high[i]).toBeCloseTo(value + 2 * row.reduce((a, b) => a + b, 0), 4);
    });
  },
);

test("has the sizes that the chart network's authors print", () => {
  const count = (days: 5 | 20 | 60) =>
    learnedOf(new ChartNetwork({ days, outputs: 2 }, keyFrom(1))).reduce(
      (total, { parameter }) => total + parameter.value.length,
      0,
    );
  // Jiang, Kelly and Xiu (2023), section 2.
  expect([count(5), count(20), count(60)]).toEqual([155_138, 708_866, 2_952_962]);
});

test("has a network for the paper's pictures", () => {
  for (const [days, height, width] of [
    [5, 32, 15],
    [20, 64, 60],
    [60, 96, 180],
  ] as const) {
    const made = new ChartNetwork({ days, outputs: 2, channels: 1 }, keyFrom(1));
    expect(made.apply(input("x", ["batch", 1, height, width])).shape).toEqual(["batch", 2]);
  }
});

test.each(networkNames)("makes %s with its own defaults, also over the shortest window", (name) => {
  for (const short of [window, { lookback: 2, features: 1, outputs: 1 }]) {
    const x = input("x", ["batch", short.lookback, short.features]);
    expect(network(name, short, keyFrom(1)).apply(x).shape).toEqual(["batch", short.outputs]);
  }
  expect(architectures[name].paper).toMatch(/\(\d{4}\), \S/);
});

test.each<[NetworkName, Partial<NetworkOptions>, string]>([
  ["lstm", { numLayers: 0 }, "numLayers: expected a whole number of 1 or more, for network lstm, received 0"],
  [
    "mlp",
    { hiddenSize: 2.5 },
    "hiddenSize: expected a whole number of 1 or more, for network mlp, received 2.5",
  ],
  [
    "linear",
    { outputs: -1 },
    "outputs: expected a whole number of 1 or more, for network linear, received -1",
  ],
  ["gru", { dropout: 1 }, "dropout: expected a rate in [0, 1), received 1"],
  [
    "transformer",
    { numHeads: 5 },
    "numHeads: expected a number that divides the hidden size, 32, for network transformer, received 5",
  ],
  [
    "transformer",
    { hiddenSize: 30 },
    "hiddenSize: expected a multiple of the 4 heads, for network transformer, received 30",
  ],
  [
    "patchTst",
    { patchLength: 25 },
    "patchLength: expected at most the lookback, 24, for network patchTst, received 25",
  ],
  [
    "dlinear",
    { kernelSize: 4 },
    "kernelSize: expected an odd number, which has a middle, for network dlinear, received 4",
  ],
])("refuses %s with %o", (name, wrong, message) => {
  expect(() => network(name, { ...window, ...wrong }, keyFrom(1))).toThrow(message);
});

test.each([
  [{ days: 10 as 5 }, "network cnn2d: expected 5, 20 or 60 days, received 10"],
  [{ channels: 0 }, "network cnn2d: expected channels of 1 or more, received 0"],
])("refuses a chart network with %o", (wrong, message) => {
  expect(() => new ChartNetwork({ days: 5, outputs: 2, ...wrong }, keyFrom(1))).toThrow(message);
});
