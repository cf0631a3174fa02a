import {
  adam,
  compileTraining,
  gather,
  parametersOf,
  type Runtime,
  startTraining,
  type TensorValue,
  type Training,
  type TrainingProgram,
  weightedMean,
} from "../../engine/index.ts";
import { stepsPerCall } from "../../models/index.ts";
import type { Model } from "./models.ts";
import { networkOf, samplesOf } from "./networks.ts";

/** Training steps that are set up and wait to be timed. */
export interface PreparedSteps {
  readonly program: TrainingProgram;
  readonly data: Readonly<Record<string, TensorValue>>;
  readonly training: Training;
  /** What it took to trace and compile the graph and to create its sessions, by the given clock. */
  readonly buildMilliseconds: number;
  /** Steps of one call: many for a small network. */
  readonly stepsPerCall: number;
  /** Runs so many calls on one batch of random samples; answers the milliseconds of each, measured in the worker. */
  step(repetitions: number): Promise<number[]>;
}

/** The training graph of a network with Adam, as `fit` would compile it. */
export async function prepareSteps(
  model: Model,
  batch: number,
  runtime: Runtime,
  elapsed: () => number,
): Promise<PreparedSteps> {
  const { layers, inputs, target, apply, loss } = networkOf(model);
  const data = Object.fromEntries(
    Object.entries({ ...inputs, target }).map(([name, column], i) => [name, samplesOf(column, batch, i)]),
  );
  const begun = elapsed();
  const program = compileTraining({
    parameters: parametersOf(layers),
    data,
    batchSize: batch,
    threads: runtime.threads,
    optimiser: adam(),
    loss: ({ data: { target: all, ...rest }, indices, weights }) => {
      const batched = Object.fromEntries(
        Object.entries(rest).map(([name, column]) => [name, gather(column, indices)]),
      );
      return weightedMean(loss(apply(batched), gather(all, indices)), weights);
    },
  });
  const training = await startTraining(runtime, program, { data, seed: 1 });
  const buildMilliseconds = elapsed() - begun;
  const batchesOf = (steps: number) => ({
    learningRates: new Float32Array(steps).fill(1e-3),
    indices: BigInt64Array.from({ length: steps * batch }, (_, i) => BigInt(i % batch)),
    weights: new Float32Array(steps * batch).fill(1),
  });
  // As many steps to a call as `fit` would run. The time is that of one of them.
  const first = await training.run(batchesOf(1));
  const again = await training.run(batchesOf(1));
  const stepsInCall = stepsPerCall(Math.min(first.milliseconds, again.milliseconds));
  const batches = batchesOf(stepsInCall);
  const step = async (repetitions: number) => {
    const times: number[] = [];
    for (let i = 0; i < repetitions; i++) {
      const { milliseconds } = await training.run(batches);
      times.push(milliseconds / stepsInCall);
    }
    return times;
  };
  return { program, data, training, buildMilliseconds, stepsPerCall: stepsInCall, step };
}
