/** What is measured on validation samples after an epoch. */
import { PlatformError } from "../base/index.ts";
import {
  averageName,
  type BatchTensors,
  concat,
  firstNotFinite,
  graphNames,
  input,
  learned,
  type NamedParameter,
  packedSize,
  type Runtime,
  slice,
  type Tensor,
  type TensorValue,
  type Training,
  toOnnx,
  traceGraph,
  viewsOf,
} from "../engine/index.ts";
import { batches } from "./batches.ts";

/** A number by which epochs are compared in place of the validation loss. */
export interface ValidationMetric {
  readonly name: string;
  readonly better: "higher" | "lower";
  /** What the model says of a batch, float32 `[batch, ...]`. */
  readonly predict: (batch: BatchTensors) => Tensor;
  /**
   * From what it says of all validation samples, row after row, to the metric.
   *
   * @param samples their numbers, in the order of the rows
   */
  readonly score: (predictions: Float32Array, samples: Int32Array) => number;
}

export interface JudgeOptions {
  readonly parameters: readonly NamedParameter[];
  readonly data: Readonly<Record<string, TensorValue>>;
  readonly loss: (batch: BatchTensors) => Tensor;
  readonly metric?: ValidationMetric;
  readonly runtime: Runtime;
}

export interface Judgement {
  readonly loss: number;
  readonly metric?: number;
}

export interface Judge {
  judge(samples: Int32Array): Promise<Judgement>;
  /** The first tensor that is not finite where the loss is not, in words. */
  diagnose(samples: Int32Array): Promise<string | null>;
  release(): Promise<void>;
}

/** Samples that are judged in one call. */
const batchSize = 256;

/** The loss without dropout, and the metric, at the parameters that the worker holds now, or at their average where it keeps one. */
export async function loadJudge(
  { parameters, data, loss, metric, runtime }: JudgeOptions,
  { slots }: Pick<Training, "slots">,
): Promise<Judge> {
  const size = packedSize(parameters);
  const columns = Object.entries(data).map(
    ([name, { dtype, shape }]) => [name, input(graphNames.data(name), shape, dtype)] as const,
  );
  const batch: BatchTensors = {
    data: Object.fromEntries(columns),
    indices: input("indices", [batchSize], "int64"),
    weights: input("weights", [batchSize]),
    pass: { mode: "inference", seed: null },
  };
  const prediction = metric?.predict(batch);
  if (prediction && prediction.shape[0] !== batchSize)
    throw new PlatformError(
      "input",
      "SHAPE_MISMATCH",
      `metric ${metric?.name}: expected predictions of shape [batch, ...], received [${prediction.shape.join(", ")}] for a batch of ${batchSize}`,
    );
  const arrays = parameters.map(({ parameter }) => parameter);
  const average = graphNames.memory(averageName);
  const held = input("parameters", [size]);
  // The optimiser averages what is learned; statistics are as they stand.
  const learnedSize = packedSize(learned(parameters));
  const judged =
    slots[average] === undefined
      ? held
      : concat([input(average, [learnedSize]), ...(learnedSize < size ? [slice(held, 0, learnedSize)] : [])]);
  const graph = traceGraph(
    { loss: loss(batch), ...(prediction ? { prediction } : {}) },
    { replace: viewsOf(judged, arrays) },
  );
  const session = await runtime.load(toOnnx(graph));

  const feedsOf = (samples: Int32Array, from: number) => {
    const { indices, weights } = batches(samples, from, batchSize);
    const feeds: Record<string, TensorValue | string> = {
      ...slots,
      indices: { dtype: "int64", shape: [batchSize], data: indices },
      weights: { dtype: "float32", shape: [batchSize], data: weights },
    };
    return feeds;
  };
  const runOn = async (samples: Int32Array, from: number) => {
    const { outputs } = await session.run({
      feeds: feedsOf(samples, from),
      fetch: Object.keys(graph.outputs) as ("loss" | "prediction")[],
    });
    return outputs;
  };
  return {
    async judge(samples) {
      let total = 0;
      const rows: Float32Array[] = [];
      for (let from = 0; from < samples.length; from += batchSize) {
        const count = Math.min(batchSize, samples.length - from);
        const outputs = await runOn(samples, from);
        total += (outputs.loss.data[0] as number) * count;
        if (!prediction) continue;
        const said = outputs.prediction.data as Float32Array;
        rows.push(said.subarray(0, (said.length / batchSize) * count));
      }
      const mean = total / samples.length;
      return metric ? { loss: mean, metric: metric.score(joined(rows), samples) } : { loss: mean };
    },
    async diagnose(samples) {
      for (let from = 0; from < samples.length; from += batchSize) {
        const found = await firstNotFinite(runtime, graph, parameters, feedsOf(samples, from));
        if (found) return found;
      }
      return null;
    },
    release: () => session.release(),
  };
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((total, { length }) => total + length, 0));
  rows.reduce((offset, row) => {
    all.set(row, offset);
    return offset + row.length;
  }, 0);
  return all;
}
