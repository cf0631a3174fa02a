/** Residual, Inception, quantile, mixture and instance-norm blocks; `testing/torch-blocks.py` printed the stated numbers. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normalQuantile } from "../../base/index.ts";
import {
  ascendingQuantiles,
  constant,
  createRuntime,
  evaluate,
  gradient,
  InceptionBlock,
  input,
  MixtureDensityHead,
  mixtureMean,
  mixtureNegativeLogLikelihood,
  mul,
  type Pass,
  parametersOf,
  QuantileHead,
  ReversibleInstanceNorm,
  sampleMixture,
  slice,
  square,
  sum,
  TemporalBlock,
  type Tensor,
} from "../index.ts";

interface Stored {
  readonly x: readonly number[];
  readonly weights: readonly number[];
  readonly y: readonly number[];
  readonly dx: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly target: readonly number[];
}
const file = new URL("../testing/torch-blocks.json", import.meta.url);
const stored = JSON.parse(readFileSync(file, "utf8")) as Record<string, Stored> & { mixtureMean: number[] };

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const numbers = async (tensor: Tensor, feeds = {}) => {
  const [{ data }] = await evaluate([tensor], feeds, runtime);
  return [...(data as Float32Array)];
};

function expectClose(received: ArrayLike<number | bigint>, expected: readonly number[], name: string): void {
  expect(received.length, name).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Number(received[i]), `${name}, element ${i}`).toBeCloseTo(value, 4);
  });
}

/** Copies torch's weights in, and compares the value and every gradient. `names` is from a parameter here to torch's. */
async function expectTorch(
  { x, weights, y, dx, parameters, gradients }: Stored,
  shape: readonly number[],
  model: unknown,
  names: Readonly<Record<string, string>>,
  apply: (x: Tensor) => Tensor,
): Promise<void> {
  const learned = parametersOf(model).filter(({ parameter }) => parameter.role === "learned");
  expect(learned.map(({ name }) => names[name] ?? name).sort()).toEqual(Object.keys(parameters).sort());
  for (const { name, parameter } of learned) parameter.value.set(parameters[names[name] ?? name]);
  const given = input("x", shape);
  const result = apply(given);
  const loss = sum(mul(result, constant(weights, result.shape as number[])));
  const by = [given, ...learned.map(({ parameter }) => parameter)];
  const feeds = { x: { dtype: "float32" as const, shape, data: Float32Array.from(x) } };
  const [value, dGiven, ...rest] = await evaluate([result, ...gradient(loss, by)], feeds, runtime);
  expectClose(value.data, y, "y");
  expectClose(dGiven.data, dx, "dx");
  learned.forEach(({ name }, i) => {
    expectClose(rest[i].data, gradients[names[name] ?? name], name);
  });
}

const training: Pass = { mode: "training", seed: input("seed", [], "uint32") };

describe("TemporalBlock", () => {
  const names = Object.fromEntries(
    ["first", "second"].flatMap((part) => [
      [`${part}.direction`, `${part}.weight_v`],
      [`${part}.length`, `${part}.weight_g`],
    ]),
  );
  test.each([
    ["temporalShortcut", [2, 2, 9], { kernel: 3, dilation: 2 }],
    ["temporalPlain", [2, 3, 5], { kernel: 2, dilation: 1 }],
  ] as const)("gives torch's values and gradients, %s", async (name, shape, options) => {
    const block = new TemporalBlock(shape[1], 3, options, keyFrom(1));
    await expectTorch(stored[name], shape, block, names, (x) => block.apply(x));
  });

  test("sees so far back and not a step into the future", async () => {
    const [kernel, dilation] = [3, 2];
    const block = new TemporalBlock(1, 16, { kernel, dilation }, keyFrom(3));
    const x = input("x", [1, 1, 20]);
    const step = 15;
    const [dx] = gradient(sum(slice(block.apply(x), 2, step, step + 1)), [x]);
    const data = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
    const slope = await numbers(dx, { x: { dtype: "float32", shape: [1, 1, 20], data } });
    const seen = slope.flatMap((value, i) => (value === 0 ? [] : [i]));
    expect(Math.max(...seen)).toBe(step);
    expect(Math.min(...seen)).toBe(step - 2 * dilation * (kernel - 1));
  });
});

describe("InceptionBlock", () => {
  test("gives torch's values and gradients in training", async () => {
    const block = new InceptionBlock(3, { filters: 2, bottleneck: 2, kernels: [5, 3, 1] }, keyFrom(1));
    const names = { "norm.scale": "norm.weight", "norm.shift": "norm.bias" };
    await expectTorch(stored.inception, [4, 3, 7], block, names, (x) => block.apply(x, training));
  });

  test("has no bottleneck over one channel", () => {
    expect(new InceptionBlock(1, { filters: 2 }, keyFrom(1)).bottleneck).toBeNull();
  });

  test("refuses sizes that are none", () => {
    expect(() => new InceptionBlock(3, { filters: 0 }, keyFrom(1))).toThrow(
      "inception block: expected filters, bottleneck and kernels of 1 or more, received 0",
    );
  });
});

describe("QuantileHead", () => {
  const levels = [0.05, 0.5, 0.9];

  test("starts at the normal quantiles and rises by softplus steps", async () => {
    const quantiles = (raw: number[]) => numbers(ascendingQuantiles(constant(raw, [1, 3]), levels));
    const normal = levels.map(normalQuantile);
    expectClose(await quantiles([0, 0, 0]), normal, "normal");
    const step = Math.log1p(Math.exp(-2 + Math.log(Math.expm1(normal[1] - normal[0]))));
    const second = normal[0] + 1 + step;
    expectClose(
      await quantiles([1, -2, 0]),
      [normal[0] + 1, second, second + normal[2] - normal[1]],
      "moved",
    );
  });

  test("never crosses, whatever the weights", async () => {
    const head = new QuantileHead(2, levels, keyFrom(1));
    head.linear.weight.value.set([3, -5, -9, 4, -7, -8]);
    const x = Array.from({ length: 40 }, (_, i) => 2 * Math.sin(i));
    const y = await numbers(head.apply(constant(x, [20, 2])));
    for (let row = 0; row < 20; row++) {
      expect(y[3 * row + 1]).toBeGreaterThanOrEqual(y[3 * row]);
      expect(y[3 * row + 2]).toBeGreaterThanOrEqual(y[3 * row + 1]);
    }
  });

  test("refuses levels out of order, and numbers that are not one per level", () => {
    const raw = input("raw", ["batch", 2]);
    expect(() => ascendingQuantiles(raw, [0.5, 0.1])).toThrow(
      "quantiles: expected ascending levels inside (0, 1), received [0.5, 0.1]",
    );
    expect(() => ascendingQuantiles(raw, levels)).toThrow(
      "quantiles: expected 3 numbers in the last axis, received [batch, 2]",
    );
  });
});

describe("MixtureDensityHead", () => {
  test("gives torch's negative log-likelihood, its gradients and the mean", async () => {
    const head = new MixtureDensityHead(4, 3, keyFrom(1));
    const names = { "linear.weight": "weight", "linear.bias": "bias" };
    const target = constant(stored.mixture.target, [5, 1]);
    await expectTorch(stored.mixture, [5, 4], head, names, (x) =>
      mixtureNegativeLogLikelihood(head.mixture(x), target),
    );
    const x = constant(stored.mixture.x, [5, 4]);
    expectClose(await numbers(mixtureMean(head.mixture(x))), stored.mixtureMean, "mean");
  });

  test("draws with the mixture's mean and deviation, the same for the same seed", async () => {
    const rows = 20_000;
    const row = (values: number[]) =>
      constant(
        Float32Array.from({ length: 2 * rows }, (_, i) => values[i % 2]),
        [rows, 2],
      );
    const mixture = {
      logWeights: row([Math.log(0.25), Math.log(0.75)]),
      means: row([-2, 2]),
      deviations: row([0.5, 1]),
    };
    const draw = (seed: number) => numbers(sampleMixture(mixture, constant([seed], [], "uint32"), 7));
    const drawn = await draw(1);
    const mean = drawn.reduce((a, b) => a + b, 0) / rows;
    const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / rows;
    expect(mean).toBeCloseTo(0.25 * -2 + 0.75 * 2, 1); // 1
    expect(variance).toBeCloseTo(0.25 * (0.25 + 9) + 0.75 * (1 + 1), 0); // 3.8125
    expect(await draw(1)).toEqual(drawn);
    expect(await draw(2)).not.toEqual(drawn);
  });

  test("refuses what is no mixture", () => {
    expect(() => new MixtureDensityHead(4, 0, keyFrom(1))).toThrow(
      "mixture density: expected 1 or more components, received 0",
    );
    const head = new MixtureDensityHead(4, 2, keyFrom(1));
    const mixture = head.mixture(input("x", ["batch", 4]));
    expect(() => mixtureNegativeLogLikelihood(mixture, input("t", ["batch"]))).toThrow(
      "mixture density: expected a target [batch, 1], received [batch]",
    );
  });
});

describe("ReversibleInstanceNorm", () => {
  test("gives torch's values and gradients, there and back", async () => {
    const norm = new ReversibleInstanceNorm(3);
    await expectTorch(stored.instanceNorm, [2, 3, 6], norm, {}, (x) => {
      const { normalized, restore } = norm.normalize(x);
      return restore(square(slice(normalized, 2, -2)));
    });
  });

  test("is undone by restore, also where a window does not move", async () => {
    const values = [1, 2, 3, 5, 5, 5];
    const { normalized, restore } = new ReversibleInstanceNorm(2).normalize(constant(values, [1, 2, 3]));
    expectClose((await numbers(normalized)).slice(3), [0, 0, 0], "flat");
    expectClose(await numbers(restore(normalized)), values, "restored");
  });

  test("says what does not fit", () => {
    expect(() => new ReversibleInstanceNorm(3).normalize(input("x", ["batch", 2, 9]))).toThrow(
      "instance norm: expected x [batch, 3, time], received [batch, 2, 9]",
    );
  });
});
