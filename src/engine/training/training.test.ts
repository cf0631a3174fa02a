import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal, splitKey } from "../../base/index.ts";
import {
  adam,
  adamW,
  add,
  BatchNorm,
  compileTraining,
  constant,
  createRuntime,
  Dropout,
  decayMatrices,
  div,
  gather,
  initialState,
  Linear,
  Lstm,
  meanSquaredError,
  mul,
  type Optimiser,
  parametersOf,
  type Runtime,
  sgd,
  sqrt,
  square,
  startTraining,
  sub,
  sum,
  type Tensor,
  type TensorValue,
  type TrainingState,
  tanh,
  weightedMean,
  withAverage,
} from "../index.ts";

const two = createRuntime({ threads: 2 });
const one = createRuntime({ threads: 1 });
const four = createRuntime({ threads: 4 });
afterAll(() => Promise.all([two.close(), one.close(), four.close()]));

const [samples, steps, features, batchSize] = [24, 5, 3, 7];
const floats = (seed: number, ...shape: number[]): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(
    normal(
      keyFrom(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  ),
});
const data = { x: floats(1, samples, steps, features), y: floats(2, samples, 1) };
const [cellKey, headKey] = splitKey(keyFrom(3));
const model = { cell: new Lstm(features, 4, cellKey), head: new Linear(4, 1, headKey) };

function program(shards: number, { dropout = 0, clipNorm = 0.05, optimiser = adam() } = {}) {
  const drop = new Dropout(dropout, 0);
  return compileTraining({
    parameters: parametersOf(model),
    data,
    batchSize,
    optimiser,
    clipNorm,
    shards,
    loss: ({ data: { x, y }, indices, weights, pass }) => {
      const predict = (window: Tensor) =>
        model.head.apply(drop.apply(model.cell.run(drop.apply(window, pass)).last, pass));
      return weightedMean(meanSquaredError(predict(gather(x, indices)), gather(y, indices)), weights);
    },
  });
}

/** Batches in a fixed order; the last one holds `real` samples, and the rest of it has weight 0. */
function batches(count: number, real = batchSize) {
  const weights = new Float32Array(count * batchSize).fill(1);
  weights.fill(0, (count - 1) * batchSize + real);
  return {
    learningRates: new Float32Array(count).fill(0.01),
    indices: BigInt64Array.from({ length: count * batchSize }, (_, i) => BigInt((i * 5) % samples)),
    weights,
  };
}

async function run(
  compiled: ReturnType<typeof program>,
  runtime = two,
  { calls = [4], real = batchSize, from }: { calls?: number[]; real?: number; from?: TrainingState } = {},
) {
  const training = await startTraining(runtime, compiled, { data, seed: 9, ...(from ? { from } : {}) });
  const losses: number[] = [];
  const norms: number[] = [];
  for (const count of calls) {
    const results = await training.run(batches(count, real));
    losses.push(...results.losses);
    norms.push(...results.gradientNorms);
  }
  const state = await training.state();
  await training.release();
  return { losses, norms, state };
}

describe("a batch in shards", () => {
  test.each([2, 3, 7])("has the mean loss and gradient of the whole batch, in %i shards", async (shards) => {
    const whole = await run(program(1));
    const parts = await run(program(shards));
    parts.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(whole.losses[i], 5);
    });
    parts.norms.forEach((norm, i) => {
      expect(norm).toBeCloseTo(whole.norms[i], 5);
    });
    parts.state.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.state.parameters[i], 4);
    });
  });

  test.each([1, 3, 4])("does not count padding, where %i samples are left", async (real) => {
    const whole = await run(program(1), two, { real });
    const parts = await run(program(2), two, { real }); // 4 samples a shard: the second may hold padding only
    expect(parts.losses[3]).toBeCloseTo(whole.losses[3], 5);
    parts.state.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.state.parameters[i], 4);
    });
  });

  test("gives the same bits on one thread and on two", async () => {
    for (const shards of [2, 3]) {
      const compiled = program(shards, { dropout: 0.3 });
      expect(await run(compiled, one)).toEqual(await run(compiled, two));
    }
  });

  test("gives the same bits on more threads than it has shards, where products are wide enough to be shared", async () => {
    const [inner, outer] = splitKey(keyFrom(7));
    const wide = { inner: new Linear(700, 96, inner), outer: new Linear(96, 1, outer) };
    const rows = { x: floats(8, 64, 700), y: floats(9, 64, 1) };
    const compiled = compileTraining({
      parameters: parametersOf(wide),
      data: rows,
      batchSize: 64,
      optimiser: adam(),
      shards: 2,
      loss: ({ data: { x, y }, indices, weights }) => {
        const predicted = wide.outer.apply(tanh(wide.inner.apply(gather(x, indices))));
        return weightedMean(meanSquaredError(predicted, gather(y, indices)), weights);
      },
    });
    const parametersOn = async (runtime: Runtime) => {
      const training = await startTraining(runtime, compiled, { data: rows, seed: 1 });
      await training.run({
        learningRates: new Float32Array(4).fill(0.01),
        indices: BigInt64Array.from({ length: 4 * 64 }, (_, i) => BigInt(i % 64)),
        weights: new Float32Array(4 * 64).fill(1),
      });
      const learnt = await training.parameters();
      await training.release();
      return learnt;
    };
    const [there, here] = [await parametersOn(four), await parametersOn(one)];
    expect(there.filter((value, i) => value !== here[i]).length).toBe(0); // a matcher of arrays would print all of them
  });

  test("gives the same bits in one call, in several, and from a stored state", async () => {
    const compiled = program(2, { dropout: 0.3 });
    const whole = await run(compiled, two, { calls: [4, 3] });
    const first = await run(compiled, two, { calls: [4] });
    expect(first.state.step).toBe(4);
    const resumed = await run(compiled, two, { calls: [3], from: first.state });
    expect([...first.losses, ...resumed.losses]).toEqual(whole.losses);
    expect(resumed.state).toEqual(whole.state);
  });

  test("moves blocks of the parameters by what belongs to each value", async () => {
    const optimiser = withAverage(adamW({ weightDecay: 2, decayFactor: decayMatrices }), 0.9);
    const whole = await run(program(1, { optimiser }));
    const compiled = program(3, { optimiser });
    expect(compiled.plan).toMatchObject({ block: 64 }); // two blocks, and a third that is not full
    const parts = await run(compiled);
    for (const [name, values] of Object.entries({
      ...parts.state.memory,
      parameters: parts.state.parameters,
    })) {
      const expected = name === "parameters" ? whole.state.parameters : whole.state.memory[name];
      expect(values.length, name).toBe(expected.length);
      values.forEach((value, i) => {
        expect(value, name).toBeCloseTo(expected[i], 4);
      });
    }
    const training = await startTraining(two, compiled, { data, seed: 9 });
    await training.run(batches(4));
    const { memory } = await training.state();
    expect((await two.get(training.slots["memory_average"])).data).toEqual(memory["average"]);
    await training.release();
  });

  test("does not cut what an optimiser moves as one", async () => {
    const normalised: Optimiser = {
      ...sgd(),
      name: "normalised",
      update: ({ parameters, gradient, memory, settings: [rate] }) => ({
        parameters: sub(parameters, mul(div(gradient, sqrt(sum(square(gradient)))), rate)),
        memory,
      }),
    };
    const compiled = program(3, { optimiser: normalised });
    expect(compiled.plan).toMatchObject({ block: compiled.learnedSize });
    const [whole, parts] = [await run(program(1, { optimiser: normalised })), await run(compiled)];
    parts.state.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.state.parameters[i], 4);
    });
  });

  test("draws other dropout in each shard", async () => {
    // Both shards hold the same sample, and only one of them counts.
    const lossesOf = async (dropout: number, counts: readonly [number, number]) => {
      const same = { x: floats(4, 1, 4), y: floats(5, 1, 1) };
      const drop = new Dropout(dropout, 0);
      const compiled = compileTraining({
        parameters: parametersOf(model.head),
        data: same,
        batchSize: 2,
        shards: 2,
        optimiser: adam(),
        loss: ({ data: { x, y }, indices, weights, pass }) => {
          const predicted = model.head.apply(drop.apply(gather(x, indices), pass));
          return weightedMean(meanSquaredError(predicted, gather(y, indices)), weights);
        },
      });
      const training = await startTraining(two, compiled, { data: same, seed: 1 });
      const { losses } = await training.run({
        learningRates: new Float32Array(8),
        indices: new BigInt64Array(16),
        weights: Float32Array.from({ length: 16 }, (_, i) => counts[i % 2]),
      });
      await training.release();
      return losses;
    };
    expect(await lossesOf(0, [1, 0])).toEqual(await lossesOf(0, [0, 1]));
    expect(await lossesOf(0.5, [1, 0])).not.toEqual(await lossesOf(0.5, [0, 1]));
  });

  test("fails as a whole when one shard fails, with its reason", async () => {
    const moved = compileTraining({
      ...program(2).spec,
      // Of a sum nothing is known, so that the row is looked for where the graph runs.
      loss: ({ data: { x }, indices, weights }) => {
        const row = gather(x, add(indices, constant([0], [1], "int64")));
        return weightedMean(sum(square(model.head.apply(model.cell.run(row).last)), -1), weights);
      },
    });
    const training = await startTraining(two, moved, { data, seed: 0 });
    const broken = batches(3);
    broken.indices[batchSize + batchSize - 1] = 1000n; // the second step, in the second shard
    await expect(training.run(broken)).rejects.toThrow(/^ONNX Runtime: .*indices element out of data bounds/);
    // The first step has moved the parameters, and what the optimiser remembers of it is gone.
    const asked = [
      () => training.run(batches(2)),
      () => training.state(),
      () => training.parameters(),
      () => training.replace("x", data.x),
    ];
    for (const ask of asked)
      await expect(ask()).rejects.toMatchObject({
        code: "RUNTIME_CLOSED",
        message: expect.stringMatching(
          /^training: expected runs that succeed, received one that failed: ONNX Runtime: .*out of data bounds/,
        ),
      });
    await training.release();
    // The workers are still there.
    expect(await run(program(2))).toEqual(await run(program(2), one));
  });

  test("is refused when there are more shards than samples", () => {
    expect(() => program(8)).toThrow("training: expected 1 to 7 shards of the batch, received 8");
  });
});

describe.each([1, 3])("what is asked of a training at once, in %i shards", (shards) => {
  const compiled = program(shards, { dropout: 0.3 });
  const started = () => startTraining(two, compiled, { data, seed: 9 });

  test("is done in the order of asking", async () => {
    const training = await started();
    const before = training.state();
    const runs = [training.run(batches(4)), training.run(batches(2))];
    const between = training.state();
    const replaced = training.replace("x", { ...data.x, data: new Float32Array(data.x.data.length) });
    const last = training.run(batches(1));
    const [after, parameters, released] = [training.state(), training.parameters(), training.release()];
    await Promise.all([replaced, released]);

    expect(await before).toEqual(initialState(compiled));
    const expected = await run(compiled, two, { calls: [4, 2] });
    expect((await Promise.all(runs)).flatMap(({ losses }) => [...losses])).toEqual(expected.losses);
    expect(await between).toEqual(expected.state);
    expect((await between).step).toBe(6);
    const onZeros = await run(compiled, two, { calls: [1], from: expected.state });
    expect([...(await last).losses]).not.toEqual(onZeros.losses);
    expect((await after).step).toBe(7);
    expect(await parameters).toEqual((await after).parameters);
  });

  test("goes on after a call that was refused", async () => {
    const training = await started();
    const wrong = training.replace("z", data.x);
    const results = training.run(batches(1));
    await expect(wrong).rejects.toThrow("training: z: expected x or y");
    expect((await results).losses).toHaveLength(1);
    await training.release();
  });

  test("is rejected when the runtime closes, and leaves no rejection unheard", async () => {
    const short = createRuntime({ threads: 2 });
    const training = await startTraining(short, compiled, { data, seed: 9 });
    const asked = Promise.allSettled([training.run(batches(2)), training.state(), training.parameters()]);
    await short.close();
    for (const outcome of await asked)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "RUNTIME_CLOSED" } });
  });
});

describe("a batch of which no sample counts", () => {
  const norm = { line: new Linear(features, 2, keyFrom(5)), norm: new BatchNorm(2) };
  const withNorm = (shards: number) =>
    compileTraining({
      parameters: parametersOf(norm),
      data: {
        rows: { dtype: "float32", shape: [samples, features] },
        counts: { dtype: "float32", shape: [samples] },
      },
      batchSize: 8,
      optimiser: sgd(),
      shards,
      loss: ({ data: { rows, counts }, indices, weights, pass }) => {
        const y = norm.norm.apply(norm.line.apply(gather(rows, indices)), pass);
        return weightedMean(sum(square(y), -1), mul(weights, gather(counts, indices)));
      },
    });
  const stepOn = async (compiled: ReturnType<typeof withNorm>, weight: number, counts: number) => {
    const training = await startTraining(two, compiled, {
      data: {
        rows: floats(6, samples, features),
        counts: { dtype: "float32", shape: [samples], data: new Float32Array(samples).fill(counts) },
      },
      seed: 1,
    });
    const results = await training.run({
      learningRates: Float32Array.of(0.1),
      indices: BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i)),
      weights: new Float32Array(8).fill(weight),
    });
    const { parameters } = await training.state();
    await training.release();
    return { results, parameters };
  };

  test.each([
    [1, "weights of the call", 0, 1],
    [2, "weights of the call", 0, 1],
    [1, "weights in the data", 1, 0],
    [2, "weights in the data", 1, 0],
  ])("has the loss 0 and moves nothing, in %i shards by %s", async (shards, _, weight, counts) => {
    const compiled = withNorm(shards);
    const { results, parameters } = await stepOn(compiled, weight, counts);
    expect([...results.losses, ...results.gradientNorms]).toEqual([0, 0]);
    const before = initialState(compiled).parameters;
    expect(parameters.subarray(0, compiled.learnedSize)).toEqual(before.subarray(0, compiled.learnedSize));
    expect(parameters.every(Number.isFinite)).toBe(true);
  });

  test("still tells batch norm what it has seen, in shards as in one", async () => {
    const whole = await stepOn(withNorm(1), 0, 1);
    const parts = await stepOn(withNorm(2), 0, 1);
    const means = (values: Float32Array) =>
      values.subarray(withNorm(1).learnedSize, withNorm(1).learnedSize + 2);
    expect(means(whole.parameters)).not.toEqual(Float32Array.of(0, 0));
    means(parts.parameters).forEach((value, i) => {
      expect(value).toBeCloseTo(means(whole.parameters)[i], 6);
    });
  });
});

describe("refuses", () => {
  const spec = program(1).spec;
  test.each<[string, Partial<typeof spec>, string]>([
    ["a batch of none", { batchSize: 0 }, "batchSize of 1 or more, received 0"],
    ["a negative batch", { batchSize: -4 }, "batchSize of 1 or more, received -4"],
    ["half a batch", { batchSize: 2.5 }, "batchSize of 1 or more, received 2.5"],
    ["a batch that is no number", { batchSize: Number.NaN }, "batchSize of 1 or more, received NaN"],
    ["a gradient without length", { clipNorm: 0 }, "clipNorm above 0, received 0"],
    ["a clip norm that is no number", { clipNorm: Number.NaN }, "clipNorm above 0, received NaN"],
    ["nothing to learn", { parameters: [] }, "at least one learned parameter, received none"],
    [
      "statistics before what is learned",
      { parameters: parametersOf(new BatchNorm(2)).toReversed() },
      "learned parameters before statistics, received one after them",
    ],
  ])("%s", (_, options, message) => {
    expect(() => compileTraining({ ...spec, ...options })).toThrow(
      expect.objectContaining({ code: "MODEL_OPTION_INVALID", message: `training: expected ${message}` }),
    );
  });

  test.each([1, 2])("rows that no column has and rates that are none, in %i shards", async (shards) => {
    const training = await startTraining(two, program(shards), { data, seed: 0 });
    const past = batches(2);
    past.indices[batchSize] = BigInt(samples);
    await expect(training.run(past)).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: "training: indices[7]: expected a whole number of 0 to 23, received 24",
    });
    const negative = batches(1);
    negative.indices[3] = -1n;
    await expect(training.run(negative)).rejects.toThrow(
      "training: indices[3]: expected a whole number of 0 to 23, received -1",
    );
    for (const rate of [Number.NaN, -0.1, Number.POSITIVE_INFINITY]) {
      const wild = { ...batches(2), learningRates: Float32Array.of(0.1, rate) };
      await expect(training.run(wild)).rejects.toMatchObject({
        code: "MODEL_OPTION_INVALID",
        message: `training: learningRates[1]: expected a finite number of 0 or more, received ${Math.fround(rate)}`,
      });
    }
    expect((await training.state()).step).toBe(0);
    expect((await training.run(batches(1))).losses.every(Number.isFinite)).toBe(true);
    await training.release();
  });
});

describe("the plan", () => {
  const dense = (width: number, rows: number, threads?: number) => {
    const layer = new Linear(width, width, keyFrom(1));
    return compileTraining({
      parameters: parametersOf(layer),
      data: { x: { dtype: "float32", shape: [rows, width] } },
      batchSize: rows,
      ...(threads === undefined ? {} : { threads }),
      optimiser: adam(),
      loss: ({ data: { x }, indices, weights }) => {
        const row = gather(x, indices);
        return weightedMean(meanSquaredError(layer.apply(row), row), weights);
      },
    });
  };

  test("counts the products of a step", () => {
    expect(dense(8, 16).flop).toBe(2 * (2 * 16 * 8 * 8)); // forward, and the gradient by the weights
  });

  test("runs small steps in a loop and large ones in shards", () => {
    expect(dense(8, 16).plan.kind).toBe("loop");
    expect(dense(256, 512).plan).toMatchObject({ kind: "shards", shards: 2, rows: 256 });
  });

  test("has a shard for each thread that has enough to do, and two for fewer", () => {
    for (const threads of [1, 2]) expect(dense(256, 512, threads).plan).toMatchObject({ shards: 2 });
    expect(dense(256, 512, 4).plan).toMatchObject({ shards: 4, rows: 128 });
    expect(dense(256, 512, 64).plan).toMatchObject({ shards: 5, rows: 103 });
    expect(dense(2048, 10, 64).plan).toMatchObject({ shards: 5, rows: 2 });
    expect(dense(2048, 10, 4).plan).toMatchObject({ shards: 4, rows: 3 });
    expect(dense(8, 16, 64).plan.kind).toBe("loop");
  });
});
