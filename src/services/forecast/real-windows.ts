/** Windows of real prices with what came of them, for whoever measures a forecasting model as a file. */
import { basename } from "node:path";
import { type Context, formatTime, PlatformError } from "../../base/index.ts";
import type { TensorValue } from "../../engine/index.ts";
import { openForecastArtifact } from "./artifact.ts";
import { rawWindows } from "./predictor.ts";
import { readForModel, warnOfShortSymbols } from "./prepare.ts";
import { cutSamples, outcomes, pickRows } from "./samples.ts";
import type { PredictInput } from "./schema.ts";
import { naiveForecast } from "./score.ts";

export interface RealWindows {
  /** Which they are, in words. */
  readonly description: string;
  /** What the model's graph reads, float32 `[samples, lookback + 1, columns]`. */
  readonly prices: TensorValue;
  readonly horizons: readonly number[];
  /** `[samples, horizons]` each, in the unit of the model's forecast. */
  readonly outcome: Float64Array;
  readonly naive: Float64Array;
}

/**
 * Samples whose outcomes are known, evenly over the time that the model's training did not see; over all of it where there is no such.
 *
 * @param input `data` is the training's own market where it is left out and simulated
 * @param most how many samples at most
 * @returns null where no data are named and the model was not trained on the simulated market
 * @throws PlatformError those of reading model and data
 */
export async function realWindows(
  input: Omit<PredictInput, "data"> & { readonly data?: string | undefined },
  most: number,
  context: Context,
): Promise<RealWindows | null> {
  const loaded = await openForecastArtifact(input.artifact, context.models);
  const { configuration } = loaded;
  const { lookback, horizon: horizons, target, data: trainedOn } = configuration.input;
  const data = input.data ?? (trainedOn === "simulated" ? trainedOn : null);
  if (data === null) return null;
  const prices = await readForModel({ ...input, data }, loaded, context);
  const set = cutSamples(prices, { lookback, horizons, columns: configuration.columns, which: "known" });
  warnOfShortSymbols(set, context.logger);
  const { asOf } = set.windows;
  const all = Array.from(asOf.keys());
  const unseen = all.filter((sample) => asOf[sample] >= configuration.knownUntil);
  const usable = unseen.length > 0 ? unseen : all;
  if (usable.length === 0)
    throw new PlatformError(
      "input",
      "DATA_TOO_SHORT",
      `${data}: expected at least one sample, received none`,
    );
  const count = Math.min(most, usable.length);
  const samples = Int32Array.from(
    { length: count },
    (_, i) => usable[Math.floor((i * usable.length) / count)],
  );
  const times = Float64Array.from(samples, (sample) => asOf[sample]).sort();
  const seen = unseen.length > 0 ? "after its training" : "which its training saw";
  return {
    description: `of ${data === "simulated" ? "the simulated market" : basename(data)}, ${formatTime(times[0])} to ${formatTime(times[times.length - 1])}, ${seen}`,
    prices: rawWindows(set, samples),
    horizons,
    outcome: pickRows(outcomes(set, target), horizons.length, samples),
    naive: naiveForecast(set, samples, target, () => ({
      riseShare: configuration.facts.riseShare,
      band: [],
    })),
  };
}
