/** Fathom's side of the comparison: the graphs that `fit` trains with and that an artifact holds, timed inside the worker. */
import { keyFrom, splitKey, uniform } from "../../src/base/index.ts";
import {
  adam,
  compileTraining,
  createRuntime,
  Gru,
  gather,
  input,
  Linear,
  Lstm,
  meanSquaredError,
  parametersOf,
  relu,
  startTraining,
  type Tensor,
  type TensorValue,
  toOnnx,
  traceGraph,
  weightedMean,
} from "../../src/engine/index.ts";
import type { Work } from "./work.ts";

/** Work that is set up and warm, and waits to be timed. */
export interface Prepared {
  /** Does the work `repetitions` times; answers the milliseconds of each, measured where it runs. */
  step(repetitions: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Builds the network of `work`, its data (random, float32) and, for training, its training graph. */
export async function prepare(work: Work): Promise<Prepared> {
  return work.task === "train" ? prepareTraining(work) : prepareForward(work);
}

async function prepareTraining(work: Work): Promise<Prepared> {
  const { layers, apply } = networkOf(work);
  const x = values([work.batch, ...sampleShape(work)], 1);
  const y = values([work.batch, 1], 2);
  const program = compileTraining({
    parameters: parametersOf(layers),
    data: { x, y },
    batchSize: work.batch,
    optimiser: adam(),
    loss: ({ data, indices, weights }) =>
      weightedMean(meanSquaredError(apply(gather(data.x, indices)), gather(data.y, indices)), weights),
  });
  const runtime = createRuntime({ threads: 2 });
  const training = await startTraining(runtime, program, { data: { x, y }, seed: 1 });
  // A small step is bound by the call, so `fit` runs many in one; here too. The time is that of one of them.
  const stepsPerCall = work.cell === "dense" ? 64 : 1;
  const batches = {
    learningRates: new Float32Array(stepsPerCall).fill(1e-3),
    indices: BigInt64Array.from({ length: stepsPerCall * work.batch }, (_, i) => BigInt(i % work.batch)),
    weights: new Float32Array(stepsPerCall * work.batch).fill(1),
  };
  const step = async (repetitions: number) => {
    const times: number[] = [];
    for (let i = 0; i < repetitions; i++) {
      const { milliseconds } = await training.run(batches);
      times.push(milliseconds / stepsPerCall);
    }
    return times;
  };
  await step(3);
  return { step, close: () => runtime.close() };
}

async function prepareForward(work: Work): Promise<Prepared> {
  const { apply } = networkOf(work);
  const shape = sampleShape(work);
  const y = apply(input("x", ["batch", ...shape]));
  const runtime = createRuntime({ threads: 1 }); // as `forecast.predict` has it
  const session = await runtime.load(toOnnx(traceGraph({ y })));
  const step = async (repeat: number) => {
    const feeds = { x: values([work.batch, ...shape], 1) };
    return [...(await session.run({ feeds, fetch: ["y"], repeat })).milliseconds];
  };
  await step(20);
  return { step, close: () => runtime.close() };
}

function networkOf(work: Work): { readonly layers: object; readonly apply: (x: Tensor) => Tensor } {
  const key = keyFrom(7);
  if (work.cell === "dense") {
    const { sizes } = work;
    const keys = splitKey(key, sizes.length);
    const layers = sizes.slice(1).map((out, i) => new Linear(sizes[i], out, keys[i]));
    const last = layers.length - 1;
    const apply = (x: Tensor) =>
      layers.reduce((h, layer, i) => (i < last ? relu(layer.apply(h)) : layer.apply(h)), x);
    return { layers, apply };
  }
  const [cellKey, headKey] = splitKey(key);
  const cell = new { lstm: Lstm, gru: Gru }[work.cell](work.inFeatures, work.hiddenSize, cellKey);
  const head = new Linear(work.hiddenSize, 1, headKey);
  return { layers: { cell, head }, apply: (x) => head.apply(cell.run(x).last) };
}

function sampleShape(work: Work): number[] {
  return work.cell === "dense" ? [work.sizes[0]] : [work.steps, work.inFeatures];
}

function values(shape: readonly number[], seed: number): TensorValue {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float32Array.from(uniform(keyFrom(seed), size, -1, 1)) };
}
