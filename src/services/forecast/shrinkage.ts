/**
 * How much of a forecast to believe. A network that was fitted to noise forecasts too boldly; the best multiple of its forecast on
 * the validation part, `Σ y ŷ / Σ ŷ²` (the slope of Mincer and Zarnowitz 1969 through the origin), held between 0 and 1, corrects
 * that. A network that knows nothing is shrunk to the training mean.
 */
import type { Runtime } from "../../engine/index.ts";
import type { Forecaster } from "./forecaster.ts";
import { loadPredictor } from "./predictor.ts";
import type { SampleSet } from "./samples.ts";

/** One factor per horizon, fitted on validation samples. Directions are probabilities and are left as they are. */
export async function fitShrinkage(
  forecaster: Forecaster,
  packed: Float32Array,
  set: SampleSet,
  validation: Int32Array,
  options: { readonly runtime: Runtime; readonly signal: AbortSignal },
): Promise<number[]> {
  const width = set.horizons.length;
  if (forecaster.spec.target === "direction") return set.horizons.map(() => 1);
  const predictor = await loadPredictor(
    options.runtime,
    forecaster.export(packed, { units: "normalised" }),
    0,
  );
  const { forecast } = await predictor.predict(set, validation, options.signal);
  await predictor.release();
  const targets = forecaster.data(set).targets.data;
  return set.horizons.map((_, h) => {
    let product = 0;
    let square = 0;
    validation.forEach((sample, i) => {
      const guess = forecast[i * width + h];
      product += guess * Number(targets[sample * width + h]);
      square += guess * guess;
    });
    return square === 0 ? 0 : Math.min(1, Math.max(0, product / square));
  });
}
