/** What the tests of fit train. */
import { keyFrom, normal } from "../../base/index.ts";
import {
  adam,
  constantRate,
  gather,
  type Layer,
  meanSquaredError,
  parametersOf,
  type Runtime,
  type TensorValue,
  weightedMean,
} from "../../engine/index.ts";
import type { CheckpointStore } from "../checkpoint.ts";
import type { FitOptions } from "../fit.ts";
import { network } from "../networks/network.ts";

export type FitTaskOptions = Partial<FitOptions> & { dropout?: number };

/** A small task with a known rule: the sum of the last two values of the window, and a little noise. */
export function fitTask(runtime: Runtime, options: FitTaskOptions = {}): FitOptions & { model: Layer } {
  const [samples, lookback] = [80, 6];
  const x = Float32Array.from(normal(keyFrom(1), samples * lookback));
  const noise = normal(keyFrom(2), samples, 0, 0.05);
  const y = Float32Array.from(noise, (e, i) => x[i * lookback + 4] + x[i * lookback + 5] + e);
  const data: Record<string, TensorValue> = {
    x: { dtype: "float32", shape: [samples, lookback, 1], data: x },
    y: { dtype: "float32", shape: [samples, 1], data: y },
  };
  const size = {
    lookback,
    features: 1,
    outputs: 1,
    hiddenSize: 8,
    numLayers: 1,
    dropout: options.dropout ?? 0,
  };
  const model = network("lstm", size, keyFrom(3));
  return {
    model,
    parameters: parametersOf(model),
    data,
    train: Int32Array.from({ length: 50 }, (_, i) => i),
    validation: Int32Array.from({ length: 30 }, (_, i) => 50 + i),
    loss: ({ data, indices, weights, pass }) =>
      weightedMean(
        meanSquaredError(model.apply(gather(data.x, indices), pass), gather(data.y, indices)),
        weights,
      ),
    optimiser: adam(),
    schedule: () => constantRate(0.02),
    batchSize: 16, // 50 samples are three batches and two samples more
    epochs: 6,
    patience: 100,
    key: keyFrom(4),
    runtime,
    clock: { now: () => 0, elapsed: () => 0 },
    ...options,
  };
}

/** A signal that fires once so many epochs are saved. */
export function abortAfterEpochs(epochs: number, checkpoints: CheckpointStore): AbortSignal {
  const controller = new AbortController();
  const { save } = checkpoints;
  let saved = 0;
  Object.assign(checkpoints, {
    save: async (state: Parameters<typeof save>[0]) => {
      await save(state);
      if (++saved === epochs) controller.abort();
    },
  });
  return controller.signal;
}
