/** Runs a deployed forecasting graph over samples. Training judges itself through the same file that is served. */
import { throwIfAborted } from "../../base/index.ts";
import { gatherWindows } from "../../data/index.ts";
import { fuseAttention, type Runtime, type Session, type TensorValue } from "../../engine/index.ts";
import type { SampleSet } from "./samples.ts";

export interface Predictions {
  /** `[samples, horizons]`. */
  readonly forecast: Float64Array;
  /** `[samples, horizons, levels]`, or null for a model without quantiles. */
  readonly quantiles: Float64Array | null;
}

export interface Predictor {
  predict(set: SampleSet, samples: Int32Array, signal?: AbortSignal): Promise<Predictions>;
  release(): Promise<void>;
}

const batchSize = 512;

/** @param quantiles number of levels that the model answers with; 0 for none */
export async function loadPredictor(
  runtime: Runtime,
  model: Uint8Array,
  quantiles: number,
): Promise<Predictor> {
  const session = await runtime.load(fuseAttention(model));
  return {
    predict: (set, samples, signal) => predictAll(session, set, samples, quantiles, signal),
    release: () => session.release(),
  };
}

async function predictAll(
  session: Session,
  set: SampleSet,
  samples: Int32Array,
  quantiles: number,
  signal?: AbortSignal,
): Promise<Predictions> {
  const horizons = set.horizons.length;
  const forecast = new Float64Array(samples.length * horizons);
  const levels = quantiles > 0 ? new Float64Array(samples.length * horizons * quantiles) : null;
  for (let from = 0; from < samples.length; from += batchSize) {
    throwIfAborted(signal, "prediction");
    const part = samples.subarray(from, from + batchSize);
    const fetch = levels ? ["forecast", "quantiles"] : ["forecast"];
    const { outputs } = await session.run({ feeds: { prices: rawWindows(set, part) }, fetch });
    forecast.set(outputs.forecast.data as Float32Array, from * horizons);
    if (levels) levels.set(outputs.quantiles.data as Float32Array, from * horizons * quantiles);
  }
  return { forecast, quantiles: levels };
}

/** Raw windows `[samples, lookback + 1, columns]`. */
export function rawWindows({ frame, windows, lookback }: SampleSet, samples: Int32Array): TensorValue {
  const starts = samples.map((sample) => windows.starts[sample]);
  const data = gatherWindows(frame, { starts, lookback: lookback + 1 });
  return { dtype: "float32", shape: [samples.length, lookback + 1, frame.features], data };
}
