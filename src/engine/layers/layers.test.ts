import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  BatchNorm,
  Conv1d,
  Conv2d,
  constant,
  createRuntime,
  Dropout,
  Embedding,
  evaluate,
  GroupNorm,
  Gru,
  gradient,
  input,
  LayerNorm,
  LearnedPositions,
  Linear,
  Lstm,
  MultiHeadAttention,
  mul,
  type Parameter,
  parametersOf,
  RecurrentStack,
  RmsNorm,
  Rnn,
  sum,
  type Tensor,
} from "../index.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const float32 = (shape: readonly number[], values: readonly number[]) => ({
  dtype: "float32" as const,
  shape,
  data: Float32Array.from(values),
});
const numbers = async (tensor: Tensor, feeds = {}) => {
  const [{ data }] = await evaluate([tensor], feeds, runtime);
  return [...(data as Float32Array)];
};

describe("Linear", () => {
  const linear = new Linear(3, 2, keyFrom(1));
  linear.weight.value.set([1, 2, 3, -1, 0, 1]);
  linear.bias.value.set([10, 20]);

  test("multiplies by the transposed weight and adds the bias, whatever axes come first", async () => {
    expect(await numbers(linear.apply(constant([1, 1, 1], [1, 3])))).toEqual([16, 20]);
    const x = constant([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1], [2, 1, 2, 3]);
    const y = linear.apply(x);
    expect(y.shape).toEqual([2, 1, 2, 2]);
    expect(await numbers(y)).toEqual([11, 19, 12, 20, 13, 21, 16, 20]);
  });

  test("starts in ±1/√in", () => {
    const { weight, bias } = new Linear(25, 40, keyFrom(2));
    for (const { value } of [weight, bias]) {
      const sizes = value.map(Math.abs);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(0.2);
      expect(Math.max(...sizes)).toBeGreaterThan(0.15);
    }
    expect(weight.value.slice(0, 40)).not.toEqual(bias.value);
  });

  test("names both shapes when the features do not fit", () => {
    expect(() => linear.apply(input("x", ["batch", 4]))).toThrow(
      "linear: expected x [..., 3] for its weight [2, 3], received [batch, 4]",
    );
  });
});

describe("Dropout", () => {
  const size = 20_000;
  const ones = constant(new Float32Array(size).fill(1));
  const seed = input("seed", [], "uint32");
  const drop = (salt: number, at: number, rate = 0.3) =>
    numbers(new Dropout(rate, salt).apply(ones, { mode: "training", seed }), {
      seed: { dtype: "uint32", shape: [], data: Uint32Array.of(at) },
    });

  test("drops its share and scales the rest, so that the mean is kept", async () => {
    const kept = await drop(0, 1);
    expect(new Set(kept)).toEqual(new Set([0, Math.fround(1 / Math.fround(0.7))]));
    const dropped = kept.filter((value) => value === 0).length / size;
    expect(Math.abs(dropped - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / size));
    expect(kept.reduce((a, b) => a + b, 0) / size).toBeCloseTo(1, 1);
  });

  test("drops others in another step and another layer, and the same in the same", async () => {
    const first = await drop(0, 1);
    expect(await drop(0, 1)).toEqual(first);
    for (const other of [await drop(0, 2), await drop(1, 1)]) {
      const agree = other.filter((value, i) => (value === 0) === (first[i] === 0)).length / size;
      expect(agree).toBeCloseTo(0.3 ** 2 + 0.7 ** 2, 1); // as two independent draws do
    }
  });

  test("drops the same in the gradient as in the value", async () => {
    const x = input("x", [50]);
    const y = new Dropout(0.5, 0).apply(x, { mode: "training", seed });
    const feeds = {
      x: float32([50], new Array(50).fill(1)),
      seed: { dtype: "uint32" as const, shape: [], data: Uint32Array.of(3) },
    };
    const [value, dx] = await evaluate([y, ...gradient(sum(y), [x])], feeds, runtime);
    expect(dx.data).toEqual(value.data);
  });

  test("does nothing in inference or at rate 0", () => {
    expect(new Dropout(0.5, 0).apply(ones)).toBe(ones);
    expect(new Dropout(0.5, 0).apply(ones, { mode: "inference", seed })).toBe(ones);
    expect(new Dropout(0, 0).apply(ones, { mode: "training", seed })).toBe(ones);
  });

  test.each([-0.1, 1, Number.NaN])("refuses a rate of %d", (rate) => {
    expect(() => new Dropout(rate, 0)).toThrow(`dropout: expected a rate in [0, 1), received ${rate}`);
  });

  test("cannot be trained without a seed", () => {
    expect(() => new Dropout(0.5, 0).apply(ones, { mode: "training", seed: null })).toThrow(
      expect.objectContaining({
        code: "MODEL_OPTION_INVALID",
        message: "dropout: expected a seed in a training pass, received none",
      }),
    );
  });
});

describe("LayerNorm", () => {
  test("makes mean 0 and variance 1 over the last axis, then scales and shifts", async () => {
    const layer = new LayerNorm(4, { epsilon: 1e-12 });
    const x = constant([1, 2, 3, 4, 10, 10, 10, 50], [2, 4]);
    const plain = await numbers(layer.apply(x));
    const deviation = Math.sqrt(1.25);
    [-1.5, -0.5, 0.5, 1.5].forEach((centred, i) => {
      expect(plain[i]).toBeCloseTo(centred / deviation, 5);
    });
    layer.scale.value.set([2, 2, 2, 0]);
    layer.shift.value.set([1, 0, 0, 7]);
    const shifted = await numbers(layer.apply(x));
    expect(shifted[0]).toBeCloseTo(2 * plain[0] + 1, 5);
    expect([shifted[3], shifted[7]]).toEqual([7, 7]);
  });

  test("stays finite where all features are equal", async () => {
    expect(await numbers(new LayerNorm(3).apply(constant([5, 5, 5], [1, 3])))).toEqual([0, 0, 0]);
  });

  test("says which sizes do not fit", () => {
    expect(() => new LayerNorm(3).apply(input("x", ["batch", 4]))).toThrow(
      "layer norm: expected x [..., 3] for its weight [3], received [batch, 4]",
    );
  });
});

describe("Embedding", () => {
  const embedding = new Embedding(4, 2, keyFrom(1));
  const indices = constant([3, 0, 3, 3], [2, 2], "int64");

  test("looks rows up", async () => {
    const y = embedding.apply(indices);
    expect(y.shape).toEqual([2, 2, 2]);
    const rows = [3, 0, 3, 3].flatMap((row) => [...embedding.weight.value.slice(2 * row, 2 * row + 2)]);
    expect(await numbers(y)).toEqual(rows);
  });

  test("adds up the gradient of a row that was looked up several times", async () => {
    const weights = constant([1, 2, 10, 20, 3, 4, 5, 6], [2, 2, 2]);
    const [dWeight] = gradient(sum(mul(embedding.apply(indices), weights)), [embedding.weight]);
    expect(await numbers(dWeight)).toEqual([10, 20, 0, 0, 0, 0, 1 + 3 + 5, 2 + 4 + 6]);
  });

  test("takes whole numbers only", () => {
    expect(() => embedding.apply(input("x", ["batch"]))).toThrow(
      "embedding: expected x of int64, received float32 [batch]",
    );
  });
});

describe("recurrent layers", () => {
  const cells = { lstm: [Lstm, 4], gru: [Gru, 3], rnn: [Rnn, 1] } as const;
  const cases = Object.entries(cells).map(([name, [Layer, gates]]) => ({ name, Layer, gates }));
  const [features, hidden] = [7, 5];
  const rowsOf = (parameter: Parameter, columns: number) =>
    Array.from({ length: parameter.value.length / columns }, (_, i) =>
      parameter.value.slice(i * columns, (i + 1) * columns),
    );

  test.each(cases)("starts $name with Glorot inside, orthogonal outside and no bias", ({ Layer, gates }) => {
    const { weightInput, weightHidden } = new Layer(features, hidden, keyFrom(1));
    const bound = Math.sqrt(6 / (features + hidden)); // per gate, not over all gates at once
    const largest = Math.max(...weightInput.value.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(0.9 * bound);
    for (let gate = 0; gate < gates; gate++) {
      const rows = rowsOf(weightHidden, hidden).slice(gate * hidden, (gate + 1) * hidden);
      rows.forEach((a, i) => {
        rows.forEach((b, j) => {
          const product = a.reduce((total, value, k) => total + value * b[k], 0);
          expect(product).toBeCloseTo(i === j ? 1 : 0, 5);
        });
      });
    }
  });

  test("starts with open forget gates in an lstm, and all other biases at 0", () => {
    const { biasInput, biasHidden } = new Lstm(2, 2, keyFrom(1));
    expect([...biasInput.value]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]); // input, forget, candidate, output
    expect([...biasHidden.value]).toEqual(new Array(8).fill(0));
    expect([...new Gru(2, 1, keyFrom(1)).biasInput.value]).toEqual([0, 0, 0]);
    expect([...new Rnn(2, 1, keyFrom(1)).biasInput.value]).toEqual([0]);
  });

  test.each(cases)("starts $name as PyTorch does when asked", ({ Layer }) => {
    const layer = new Layer(features, hidden, keyFrom(1), { initial: "torch" });
    for (const { name, parameter } of parametersOf(layer)) {
      const largest = Math.max(...parameter.value.map(Math.abs));
      expect(largest, name).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(hidden)));
      expect(largest, name).toBeGreaterThan(0);
    }
  });

  test.each(cases)("gives every step of $name, the last of them apart", async ({ Layer }) => {
    const { sequence, last } = new Layer(2, 3, keyFrom(1)).run(
      constant(
        Array.from({ length: 16 }, (_, i) => Math.sin(i)),
        [2, 4, 2],
      ),
    );
    expect([sequence.shape, last.shape]).toEqual([
      [2, 4, 3],
      [2, 3],
    ]);
    const [all, end] = await evaluate([sequence, last], {}, runtime);
    expect([...all.data].slice(9, 12)).toEqual([...end.data].slice(0, 3));
    expect([...all.data].slice(21, 24)).toEqual([...end.data].slice(3, 6));
  });

  test.each(cases)("sees in $name the past and not the future", async ({ Layer }) => {
    const layer = new Layer(1, 3, keyFrom(1));
    const run = (values: number[]) => numbers(layer.apply(constant(values, [1, 4, 1])));
    const [one, other] = [await run([1, 2, 3, 4]), await run([1, 2, -3, 4])];
    expect(other.slice(0, 6)).toEqual(one.slice(0, 6));
    expect(other.slice(6, 9)).not.toEqual(one.slice(6, 9));
    expect(other.slice(9)).not.toEqual(one.slice(9));
  });

  test.each(cases)("says what does not fit $name", ({ name, Layer }) => {
    const layer = new Layer(features, hidden, keyFrom(1));
    expect(() => layer.apply(input("x", ["batch", features]))).toThrow(
      `${name}: expected a sequence of shape [batch, time, 7], received [batch, 7]`,
    );
    expect(() => layer.apply(input("x", ["batch", 30, 8]))).toThrow(
      `${name}: expected a sequence of shape [batch, time, 7], received [batch, 30, 8]`,
    );
    expect(() => layer.apply(input("x", ["batch", 30, 7], "float64"))).toThrow(
      `${name}: expected weightInput of float64, as the sequence is, received float32`,
    );
  });
});

describe("a layer that is given what it was not made for says so in its own words", () => {
  const key = keyFrom(1);
  test.each([
    [
      "linear",
      () => new Linear(4, 2, key).apply(input("x", ["batch", 3])),
      "x [..., 4] for its weight [2, 4], received [batch, 3]",
    ],
    [
      "layer norm",
      () => new LayerNorm(4).apply(input("x", [2, 3])),
      "x [..., 4] for its weight [4], received [2, 3]",
    ],
    [
      "RMS norm",
      () => new RmsNorm(4).apply(input("x", [2, 3])),
      "x [..., 4] for its weight [4], received [2, 3]",
    ],
    ["batch norm", () => new BatchNorm(4).apply(input("x", [2, 3])), "x [batch, 4, ...], received [2, 3]"],
    [
      "group norm",
      () => new GroupNorm(2, 4).apply(input("x", [2, 3, 5])),
      "[batch, 4, ...], received [2, 3, 5]",
    ],
    ["embedding", () => new Embedding(4, 2, key).apply(input("x", [3])), "x of int64, received float32 [3]"],
    ["lstm", () => new Lstm(4, 2, key).apply(input("x", [2, 5, 3])), "[batch, time, 4], received [2, 5, 3]"],
    [
      "attention",
      () => new MultiHeadAttention(8, { numHeads: 2 }, key).apply(input("x", [2, 5, 4])),
      "a sequence [batch, time, 8], received [2, 5, 4]",
    ],
    [
      "conv",
      () => new Conv1d(4, 2, 3, {}, key).apply(input("x", [2, 3, 9])),
      "a weight for 3 channels in 1 groups, [out, 3, ...], received [2, 4, 3]",
    ],
    [
      "conv",
      () => new Conv1d(4, 2, 3, { dilation: 5 }, key).apply(input("x", [2, 4, 9])),
      "a window of at most 9 in spatial axis 0 of [9], received one that reaches over 11",
    ],
    [
      "positions",
      () => new LearnedPositions(4, 2, key).apply(input("x", [1, 5, 2])),
      "at most 4 steps, received [1, 5, 2]",
    ],
  ])("%s", (name, build, words) => {
    expect(build).toThrow(`${name}: expected`);
    expect(build).toThrow(words);
  });

  test.each([
    [() => new MultiHeadAttention(8, { numHeads: 3 }, key), "heads that divides 8 features, received 3"],
    [() => new GroupNorm(3, 8), "groups that divide 8 channels, received 3"],
    [() => new Conv2d(4, 6, 3, { groups: 3 }, key), "groups that divide 4 and 6 channels, received 3"],
    [() => new RecurrentStack(2, 2, { cell: "lstm", numLayers: 0 }, key), "1 layer or more, received 0"],
  ])("an option out of range: %#", (build, words) => {
    expect(build).toThrow(words);
  });
});
