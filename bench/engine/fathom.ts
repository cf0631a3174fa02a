/** Fathom's side of the comparison: the graphs that `fit` trains with and that an artifact holds, timed inside the worker. */
import {
  adam,
  compileTraining,
  createRuntime,
  flopOf,
  gather,
  input,
  parametersOf,
  startTraining,
  toOnnx,
  traceGraph,
  weightedMean,
} from "../../src/engine/index.ts";
import { networkOf, samplesOf } from "./networks.ts";
import type { Work } from "./work.ts";

/** Work that is set up and warm, and waits to be timed. */
export interface Prepared {
  /** Floating-point operations of the products of one step. */
  readonly flop: number;
  /** What it took to trace and compile the graph and to create its session. */
  readonly buildMilliseconds: number;
  /** Does the work `repetitions` times; answers the milliseconds of each, measured where it runs. */
  step(repetitions: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Builds the network of `work`, its data (random, float32) and, for training, its training graph. */
export async function prepare(work: Work): Promise<Prepared> {
  return work.task === "train" ? prepareTraining(work) : prepareForward(work);
}

async function prepareTraining({ model, batch }: Work): Promise<Prepared> {
  const { layers, inputs, target, apply, loss } = networkOf(model);
  const columns = { ...inputs, target };
  const data = Object.fromEntries(
    Object.entries(columns).map(([name, column], i) => [name, samplesOf(column, batch, i)]),
  );
  const runtime = createRuntime({ threads: 2 });
  const begun = performance.now();
  const program = compileTraining({
    parameters: parametersOf(layers),
    data,
    batchSize: batch,
    optimiser: adam(),
    loss: ({ data: { target: all, ...rest }, indices, weights }) => {
      const batched = Object.fromEntries(
        Object.entries(rest).map(([name, column]) => [name, gather(column, indices)]),
      );
      return weightedMean(loss(apply(batched), gather(all, indices)), weights);
    },
  });
  const training = await startTraining(runtime, program, { data, seed: 1 });
  const buildMilliseconds = performance.now() - begun;
  // A small step is bound by the call, so `fit` runs many in one; here too. The time is that of one of them.
  const stepsPerCall = program.plan.kind === "loop" ? 64 : 1;
  const batches = {
    learningRates: new Float32Array(stepsPerCall).fill(1e-3),
    indices: BigInt64Array.from({ length: stepsPerCall * batch }, (_, i) => BigInt(i % batch)),
    weights: new Float32Array(stepsPerCall * batch).fill(1),
  };
  const step = async (repetitions: number) => {
    const times: number[] = [];
    for (let i = 0; i < repetitions; i++) {
      const { milliseconds } = await training.run(batches);
      times.push(milliseconds / stepsPerCall);
    }
    return times;
  };
  await step(2);
  return { flop: program.flop, buildMilliseconds, step, close: () => runtime.close() };
}

async function prepareForward({ model, batch }: Work): Promise<Prepared> {
  const { inputs, apply } = networkOf(model);
  const runtime = createRuntime({ threads: 1 }); // as `forecast.predict` has it
  const begun = performance.now();
  const names = Object.entries(inputs).map(
    ([name, { shape, below }]) =>
      [name, input(name, ["batch", ...shape], below === undefined ? "float32" : "int64")] as const,
  );
  const graph = traceGraph({ y: apply(Object.fromEntries(names)) });
  const session = await runtime.load(toOnnx(graph));
  const buildMilliseconds = performance.now() - begun;
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, column], i) => [name, samplesOf(column, batch, i)]),
  );
  const step = async (repeat: number) => [
    ...(await session.run({ feeds, fetch: ["y"], repeat })).milliseconds,
  ];
  await step(20);
  return { flop: flopOf(graph), buildMilliseconds, step, close: () => runtime.close() };
}
