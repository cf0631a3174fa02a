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
import type { Model } from "./models.ts";
import { networkOf, samplesOf } from "./networks.ts";

/** Training steps that are set up and wait to be timed. */
export interface PreparedSteps {
  readonly program: TrainingProgram;
  readonly data: Readonly<Record<string, TensorValue>>;
  readonly training: Training;
  /** What it took to trace and compile the graph and to create its sessions, by the given clock. */
  readonly buildMilliseconds: number;
  /** Steps of one call: many for a small network, whose steps run in a loop inside of the graph. */
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
  return { program, data, training, buildMilliseconds, stepsPerCall, step };
}
