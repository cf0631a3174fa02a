import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal, studentT } from "../../base/index.ts";
import {
  add,
  compileTraining,
  createRuntime,
  evaluate,
  filled,
  input,
  Linear,
  mul,
  parameter,
  parametersOf,
  type Runtime,
  reshape,
  sgd,
  square,
  startTraining,
  sub,
  sum,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "../../engine/index.ts";
import { encode } from "../safetensors.ts";
import { type GanOptions, type GanState, trainGan } from "./gan.ts";
import { decodeGanState, encodeGanState } from "./gan-file.ts";
import { QuantGanDiscriminator, QuantGanGenerator } from "./quant-gan.ts";
import { bootstrapReturns, seriesStatistics } from "./series-statistics.ts";

const runtime = createRuntime({ threads: 1 });
const two = createRuntime({ threads: 2 });
afterAll(() => Promise.all([runtime.close(), two.close()]));

/** Numbers around 3: the generator adds a learned shift to noise, the discriminator is a line. */
function shifting(options: Partial<GanOptions> = {}): GanOptions {
  const shift = parameter(filled([1], 0));
  const line = new Linear(1, 1, keyFrom(1));
  const values = Float32Array.from(normal(keyFrom(2), 500, 3));
  return {
    generator: {
      parameters: [{ name: "shift", parameter: shift }],
      apply: (noise) => sub(noise, mul(shift, -1)),
    },
    discriminator: {
      parameters: parametersOf(line),
      apply: (x) => reshape(line.apply(x), [x.shape[0]]),
    },
    noiseShape: [1],
    real: { dtype: "float32", shape: [500, 1], data: values },
    batchSize: 32,
    rounds: 400,
    learningRates: { generator: 0.02, discriminator: 0.02 },
    averageDecay: 0.98,
    key: keyFrom(3),
    runtime,
    ...options,
  };
}

describe("two networks against each other", () => {
  test("bring what is made to where the real samples are", async () => {
    const { state, history } = await trainGan(shifting());
    expect(history).toHaveLength(400);
    expect(state.round).toBe(400);
    expect(Math.abs(state.average[0] - 3)).toBeLessThan(0.5); // it began at 0
    // Undecided between them, both are as surprised as by a coin: log 2, and twice that.
    const last = history.slice(-50);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(Math.abs(mean(last.map((row) => row.discriminatorLoss)) - 2 * Math.log(2))).toBeLessThan(0.15);
  });

  test("give the same bits for the same key, on one thread and on two, and others for another", async () => {
    const run = async (options: Partial<GanOptions>) => trainGan(shifting({ rounds: 20, ...options }));
    const [one, again, threads] = [await run({}), await run({}), await run({ runtime: two })];
    expect(again).toEqual(one);
    expect(threads).toEqual(one);
    expect((await run({ key: keyFrom(4) })).state).not.toEqual(one.state);
  });

  test("go on from a checkpoint to the same bits", async () => {
    const saved: GanState[] = [];
    const save = (state: GanState) => void saved.push(state);
    const options = { rounds: 20, discriminatorSteps: 2 };
    const whole = await trainGan(shifting({ ...options, checkpoint: { every: 8, save } }));
    expect(saved.map(({ round }) => round)).toEqual([8, 16, 20]);
    expect(saved[2]).toEqual(whole.state);
    const from = decodeGanState(encodeGanState(saved[0]), "gan.safetensors");
    const resumed = await trainGan(shifting({ ...options, from }));
    expect(resumed.state).toEqual(whole.state);
    expect(resumed.history).toEqual(whole.history.slice(8));
  });

  test("refuse a state that is another's, or no state", async () => {
    const { state } = await trainGan(shifting({ rounds: 1 }));
    const other = { ...state, generator: { ...state.generator, parameters: new Float32Array(3) } };
    await expect(trainGan(shifting({ from: other }))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
      message:
        "gan: expected a state whose generator has parameters[1], mean[1], squares[1], received parameters[3], mean[1], squares[1]",
    });
    const bytes = encode(new Map(), new Map([["round", "1"]]));
    expect(() => decodeGanState(bytes, "x.safetensors")).toThrow(
      'x.safetensors: not a GAN\'s state: expected a tensor "generator.parameters" of F32',
    );
  });

  test("stop when a loss is no number any more, when told to, and at a wrong option", async () => {
    const wild = { learningRates: { generator: 1e38, discriminator: 1e38 } };
    await expect(trainGan(shifting(wild))).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    await expect(trainGan(shifting({ signal: AbortSignal.abort() }))).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    await expect(trainGan(shifting({ rounds: 0 }))).rejects.toThrow("gan: expected rounds of 1 or more");
    await expect(trainGan(shifting({ averageDecay: 1 }))).rejects.toThrow(
      "expected an averageDecay in [0, 1)",
    );
  });

  test("leave nothing behind in the runtime", async () => {
    const names: string[] = [];
    const watched: Runtime = {
      ...runtime,
      slot: (name) => {
        names.push(runtime.slot(name));
        return names[names.length - 1];
      },
    };
    await trainGan(shifting({ rounds: 2, runtime: watched }));
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) await expect(runtime.get(name)).rejects.toThrow("nothing is stored");
  });
});

describe("frozen parameters", () => {
  const [moved, still] = [parameter(filled([2], 1)), parameter(filled([2], 0))];
  const column = (value: number): TensorValue => ({
    dtype: "float32",
    shape: [2],
    data: new Float32Array(2).fill(value),
  });
  const start = (shards: number, on: Runtime) =>
    startTraining(
      on,
      compileTraining({
        parameters: [{ name: "moved", parameter: moved }],
        frozen: { other: [{ name: "still", parameter: still }] },
        data: { other: { dtype: "float32", shape: [2] } },
        batchSize: 2,
        shards,
        optimiser: sgd(),
        // Every sample has the same loss, so that it does not matter how they are cut.
        loss: ({ weights }) =>
          weightedMean(mul(add(mul(weights, 0), 0.5), sum(square(sub(moved, still)))), weights),
      }),
      { data: { other: column(5) }, seed: 1 },
    );
  test.each([
    [1, runtime],
    [2, two],
  ])("are read from their column, which can be replaced (%i shards)", async (shards, on) => {
    const training = await start(shards, on);
    const step = () =>
      training.run({
        learningRates: Float32Array.of(0.5),
        indices: new BigInt64Array(2),
        weights: new Float32Array(2).fill(1),
      });
    // The gradient of ½ (moved - still)² is the distance, of which a step goes half.
    await step();
    expect([...(await training.parameters())]).toEqual([3, 3]);
    await training.replace("other", column(-3));
    await step();
    expect([...(await training.parameters())]).toEqual([0, 0]);
    await expect(training.replace("other", { ...column(1), shape: [1, 2] })).rejects.toThrow(
      "training: other: expected float32[2], received float32[1, 2]",
    );
    await expect(training.replace("another", column(1))).rejects.toThrow("another: expected other, received");
    await training.release();
  });
});

describe("a Quant GAN", () => {
  const sizes = { length: 12, noiseSize: 2, hiddenSize: 4, numLayers: 3 };
  const generator = new QuantGanGenerator(sizes, keyFrom(1));
  const [channels, steps] = generator.noiseShape;
  const count = (model: unknown) =>
    parametersOf(model).reduce((n, { parameter }) => n + parameter.value.length, 0);
  const made = generator.apply(input("noise", ["batch", channels, steps]));
  const noise = (batch: number): Float32Array =>
    Float32Array.from(normal(keyFrom(2), batch * channels * steps));
  const series = async (data: Float32Array) => {
    const shape = [data.length / channels / steps, channels, steps];
    const [{ data: values }] = await evaluate([made], { noise: { dtype: "float32", shape, data } }, runtime);
    return values as Float32Array;
  };

  test("has the parameters and the lookback that its convolutions say", () => {
    const stack = (inChannels: number) => 2 * inChannels * 4 + 4 + 3 * (2 * 4 * 4 + 4);
    expect(count(generator)).toBe(stack(2) + 2 * 4 + 2);
    expect(count(new QuantGanDiscriminator(sizes, keyFrom(1)))).toBe(stack(1) + 4 + 1);
    expect(generator.past.lookback).toBe(1 + 1 + 2 + 4);
    expect(steps).toBe(12 + 8 + 1);
  });

  test("begins as normal returns of deviation log 2 and a drift of nearly none", async () => {
    const { mean, deviation, kurtosis, autocorrelation } = seriesStatistics(await series(noise(400)), sizes);
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(deviation - Math.log(2))).toBeLessThan(0.15); // softplus of nearly 0
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.3);
    expect(Math.abs(autocorrelation[0])).toBeLessThan(0.1);
  });

  test("makes a return from the past's noise and the present's, and never from what comes after", async () => {
    const base = noise(1);
    const changed = (step: number) => {
      const data = base.slice();
      for (let channel = 0; channel < channels; channel++) data[channel * steps + step] += 1;
      return data;
    };
    const plain = await series(base);
    const differs = async (step: number) => {
      const other = await series(changed(step));
      return [...plain].map((value, t) => Math.abs(value - other[t]) > 1e-7);
    };
    // Return t has the innovation of step t + 9 and reads the nine steps before it.
    const first = generator.past.lookback + 1;
    for (const step of [first, first + 5]) {
      const seen = await differs(step);
      expect(seen.indexOf(true)).toBe(step - first);
    }
    expect((await differs(0)).lastIndexOf(true)).toBe(0);
  });

  test("is exported with an open batch and answers the same", async () => {
    const values = unpackParameters(parametersOf(generator), new Float32Array(count(generator)).fill(0.1));
    const file = toOnnx(traceGraph({ made }), {
      parameterValues: new Map(values.map(({ parameter, values }) => [parameter, values])),
    });
    const session = await runtime.load(file);
    const run = async (data: Float32Array) => {
      const shape = [data.length / channels / steps, channels, steps];
      const { outputs } = await session.run({
        feeds: { noise: { dtype: "float32", shape, data } },
        fetch: ["made"],
      });
      return [...(outputs.made.data as Float32Array)];
    };
    const both = await run(noise(2));
    expect(both).toHaveLength(24);
    const second = await run(noise(2).slice(channels * steps));
    second.forEach((value, t) => {
      expect(value).toBeCloseTo(both[12 + t], 5);
    });
    await session.release();
  });
});

describe("statistics of series", () => {
  test("are those of all returns, and autocorrelations inside each series", () => {
    // Two series; no product reaches from the end of one into the other.
    const { mean, deviation, kurtosis, autocorrelation, absoluteAutocorrelation } = seriesStatistics(
      [1, -1, 1, -1, -1, 1, -1, 1],
      { length: 4, lags: 2 },
    );
    expect([mean, deviation, kurtosis]).toEqual([0, 1, 1]);
    expect(autocorrelation).toEqual([-1, 1]);
    expect(absoluteAutocorrelation.every(Number.isNaN)).toBe(true); // no spread, no correlation
    expect(() => seriesStatistics([1, 2, 3], { length: 2 })).toThrow("expected whole series of 2 returns");
  });

  test("of an i.i.d. bootstrap are the real ones without memory", () => {
    const shocks = studentT(keyFrom(1), 20_000, 5);
    const clustered = shocks.map((shock, t) => shock * (Math.floor(t / 50) % 2 === 0 ? 1 : 3));
    const [real, drawn] = [clustered, bootstrapReturns(clustered, 20_000, keyFrom(2))].map((returns) =>
      seriesStatistics(returns, { length: 100 }),
    );
    expect(Math.abs(drawn.deviation / real.deviation - 1)).toBeLessThan(0.05);
    expect(real.absoluteAutocorrelation[0]).toBeGreaterThan(0.15);
    expect(Math.abs(drawn.absoluteAutocorrelation[0])).toBeLessThan(0.03);
  });
});
