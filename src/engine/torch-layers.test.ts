/**
 * Every layer that torch has too: with the same weights it gives the same output, and after ten steps of Adam the same weights.
 * `testing/torch-layers.py` printed torch's side.
 */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import {
  adam,
  averagePool,
  BatchNorm,
  Conv1d,
  Conv2d,
  cast,
  clip,
  compileTraining,
  concat,
  constant,
  createRuntime,
  cumulativeSum,
  elu,
  evaluate,
  GroupNorm,
  Gru,
  gather,
  gelu,
  gradient,
  inference,
  input,
  LayerNorm,
  Linear,
  Lstm,
  leakyRelu,
  logSumExp,
  MultiHeadAttention,
  maxPool,
  meanSquaredError,
  mul,
  type Pass,
  packParameters,
  parametersOf,
  RecurrentStack,
  RmsNorm,
  Rnn,
  reshape,
  silu,
  softplus,
  square,
  startTraining,
  sum,
  type Tensor,
  type TensorValue,
  TransformerDecoderBlock,
  TransformerEncoderBlock,
  toOnnx,
  traceGraph,
  unpackParameters,
  variance,
  weightedMean,
} from "./index.ts";

interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface StoredLayer {
  readonly inputs: readonly Stored[];
  readonly target: Stored;
  readonly before: Readonly<Record<string, Stored>>;
  readonly y: readonly number[];
  readonly after: Readonly<Record<string, readonly number[]>>;
  readonly yAfter: readonly number[];
}

const reference = JSON.parse(
  readFileSync(new URL("./testing/torch-layers.json", import.meta.url), "utf8"),
) as {
  readonly layers: Readonly<Record<string, StoredLayer>>;
  readonly x: readonly number[];
  readonly activations: Readonly<Record<string, { y: readonly number[]; slope: readonly number[] }>>;
  readonly image: readonly number[];
  readonly pools: Readonly<Record<string, { y: readonly number[]; slope: readonly number[] }>>;
};
const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

interface Case {
  readonly layer: object;
  readonly apply: (pass: Pass, ...inputs: Tensor[]) => Tensor;
}

const key = keyFrom(1);
const plain = <L extends { apply(x: Tensor, pass?: Pass): Tensor }>(layer: L): Case => ({
  layer,
  apply: (pass, x) => layer.apply(x, pass),
});
const sequence = (layer: Lstm | Gru | Rnn): Case => ({ layer, apply: (_, x) => layer.apply(x) });
const visible = constant([1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [3, 5]);
const cross = new MultiHeadAttention(8, { numHeads: 2 }, key);
const block = (norm: "before" | "after", activation: "relu" | "gelu", causal = false) =>
  plain(new TransformerEncoderBlock(8, { numHeads: 2, feedForwardSize: 12, norm, activation, causal }, key));
const decoder = (norm: "before" | "after", activation: "relu" | "gelu"): Case => {
  const layer = new TransformerDecoderBlock(8, { numHeads: 2, feedForwardSize: 12, norm, activation }, key);
  return { layer, apply: (pass, x, memory) => layer.apply(x, memory, pass) };
};

/** Both directions, two layers, sequences of several lengths; states of every step and the last ones in one row. */
const stacked = (cell: "lstm" | "gru"): Case => {
  const layer = new RecurrentStack(3, 2, { cell, numLayers: 2, bidirectional: true }, key);
  return {
    layer,
    apply: (pass, x, lengths) => {
      const { sequence: all, last } = layer.run(x, pass, cast(lengths, "int64"));
      return concat([reshape(all, [all.shape[0], Number(all.shape[1]) * 4]), last], 1);
    },
  };
};

const cases: Readonly<Record<string, Case>> = {
  linear: plain(new Linear(4, 3, key)),
  layerNorm: plain(new LayerNorm(6)),
  rmsNorm: plain(new RmsNorm(6)),
  groupNorm: plain(new GroupNorm(2, 6)),
  batchNorm: plain(new BatchNorm(4)),
  batchNormImages: plain(new BatchNorm(3)),
  conv1d: plain(new Conv1d(2, 3, 3, {}, key)),
  conv1dStrided: plain(new Conv1d(4, 6, 3, { stride: 2, padding: 2, dilation: 2, groups: 2 }, key)),
  conv1dCausal: plain(new Conv1d(2, 3, 2, { padding: "causal", dilation: 3 }, key)),
  conv2d: plain(new Conv2d(2, 3, [3, 2], { padding: [1, 0] }, key)),
  conv2dStrided: plain(new Conv2d(2, 4, 3, { stride: [2, 3], padding: 1, bias: false }, key)),
  attention: plain(new MultiHeadAttention(8, { numHeads: 2 }, key)),
  attentionCausal: plain(new MultiHeadAttention(8, { numHeads: 2, causal: true }, key)),
  attentionCross: {
    layer: cross,
    apply: (pass, x, memory) => cross.apply(x, pass, { memory, visible }),
  },
  encoderBefore: block("before", "relu"),
  encoderAfter: block("after", "gelu"),
  encoderCausal: block("before", "gelu", true),
  decoderBefore: decoder("before", "relu"),
  decoderAfter: decoder("after", "gelu"),
  lstm: sequence(new Lstm(3, 4, key)),
  gru: sequence(new Gru(3, 4, key)),
  rnn: sequence(new Rnn(3, 4, key)),
  stackedLstm: stacked("lstm"),
  stackedGru: stacked("gru"),
};

test("has a case for every layer that torch was asked for", () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(reference.layers).sort());
});

const value = ({ shape, data }: Stored): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

describe("with torch's weights", () => {
  test.each(Object.entries(cases))(
    "%s gives torch's output, and its weights after ten steps",
    async (name, of) => {
      const stored = reference.layers[name];
      const { layer, apply } = of;
      const parameters = parametersOf(layer);
      expect(parameters.map((p) => p.name).sort()).toEqual(Object.keys(stored.before).sort());
      for (const { name: own, parameter } of parameters) {
        expect(parameter.shape, own).toEqual(stored.before[own].shape);
        parameter.value.set(stored.before[own].data);
      }
      const batchSize = stored.inputs[0].shape[0];
      const data = Object.fromEntries(
        [...stored.inputs, stored.target].map((column, i) => [`column${i}`, value(column)]),
      );
      const columns = (all: Readonly<Record<string, Tensor>>, indices: Tensor) =>
        Object.keys(data).map((column) => gather(all[column], indices));
      const program = compileTraining({
        parameters,
        data,
        batchSize,
        optimiser: adam({ epsilon: 1e-3 }),
        loss: ({ data: all, indices, weights, pass }) => {
          const [target, ...inputs] = columns(all, indices).reverse();
          // Batch by batch all layers give their loss per sample, and torch's is the mean of all.
          return weightedMean(meanSquaredError(apply(pass, ...inputs.reverse()), target), weights);
        },
      });
      const training = await startTraining(runtime, program, { data, seed: 1 });
      const steps = 10;
      const { losses } = await training.run({
        learningRates: new Float32Array(steps).fill(0.01),
        indices: BigInt64Array.from({ length: steps * batchSize }, (_, i) => BigInt(i % batchSize)),
        weights: new Float32Array(steps * batchSize).fill(1),
      });
      const firstLoss =
        stored.y.reduce((total, y, i) => total + (y - stored.target.data[i]) ** 2, 0) / stored.y.length;
      expect(losses[0]).toBeCloseTo(firstLoss, 5);

      const output = async (packed: Float32Array) => {
        const inputs = stored.inputs.map((column, i) => input(`x${i}`, column.shape));
        const values = unpackParameters(parameters, packed);
        const session = await runtime.load(
          toOnnx(traceGraph({ y: apply(inference, ...inputs) }), {
            parameterValues: new Map(values.map((p) => [p.parameter, p.values])),
          }),
        );
        const feeds = Object.fromEntries(stored.inputs.map((column, i) => [`x${i}`, value(column)]));
        return [...(await session.run({ feeds, fetch: ["y"] })).outputs.y.data] as number[];
      };
      const reached = await training.parameters();
      // Batch norm's first output in torch was that of training, which inference does not give.
      if (!name.startsWith("batchNorm")) {
        (await output(packParameters(parameters))).forEach((y, i) => {
          expect(Math.abs(y - stored.y[i]), `output ${i}`).toBeLessThan(1e-5);
        });
      }
      for (const { name: own, values } of unpackParameters(parameters, reached)) {
        values.forEach((weight, i) => {
          expect(Math.abs(weight - stored.after[own][i]), `${own}[${i}] after ten steps`).toBeLessThan(1e-4);
        });
      }
      (await output(reached)).forEach((y, i) => {
        expect(Math.abs(y - stored.yAfter[i]), `output ${i} after ten steps`).toBeLessThan(1e-3);
      });
      await training.release();
    },
  );
});

describe("gives torch's values and slopes for", () => {
  const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    leakyRelu: (x) => leakyRelu(x, 0.1),
    elu: (x) => elu(x),
    silu,
    softplus,
    gelu,
    clip: (x) => clip(x, -1, 0.75),
    logSumExp: (x) => logSumExp(x, 0, { keepDims: true }),
    cumulativeSum: (x) => square(cumulativeSum(x, 0)),
    variance: (x) => variance(x, 0, { keepDims: true }),
  };
  test.each(Object.keys(reference.activations))("%s", async (name) => {
    const x = input("x", [reference.x.length]);
    const y = functions[name](x);
    const feeds = { x: value({ shape: [reference.x.length], data: reference.x }) };
    const found = await evaluate([y, ...gradient(sum(y), [x])], feeds, runtime);
    const { y: values, slope } = reference.activations[name];
    [values, slope].forEach((expected, i) => {
      expected.forEach((number, k) => {
        expect(found[i].data[k], `${i === 0 ? "value" : "slope"} ${k}`).toBeCloseTo(number, 5);
      });
    });
  });
});

describe("pools as torch does, ties included:", () => {
  const pools: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    tiles: (x) => maxPool(x, 2),
    rows: (x) => maxPool(x, [2, 1]),
    overlapping: (x) => maxPool(x, 3, { stride: 1, padding: 1 }),
    average: (x) => averagePool(x, 3, { stride: 2, padding: 1 }),
  };
  test.each(Object.keys(reference.pools))("%s", async (name) => {
    const x = input("x", [1, 1, 4, 4]);
    const y = pools[name](x);
    const { y: values, slope } = reference.pools[name];
    const weights = constant(
      Array.from({ length: values.length }, (_, i) => i + 1),
      [values.length],
    );
    const loss = sum(mul(reshape(y, [values.length]), weights));
    const feeds = { x: value({ shape: [1, 1, 4, 4], data: reference.image }) };
    const found = await evaluate([y, ...gradient(loss, [x])], feeds, runtime);
    [values, slope].forEach((expected, i) => {
      expected.forEach((number, k) => {
        expect(found[i].data[k], `${i === 0 ? "value" : "slope"} ${k}`).toBeCloseTo(number, 5);
      });
    });
  });
});
