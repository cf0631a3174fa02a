/** What is watched of a forecasting model: the newest row of each window's features, and the forecasts. */
import { createHash } from "node:crypto";
import { type Context, dayMs, formatTime, PlatformError, startOfDay } from "../../base/index.ts";
import type { Split } from "../../data/index.ts";
import { createRuntime } from "../../engine/index.ts";
import { type DriftReference, type DriftSample, sketchOf } from "../../models/index.ts";
import { openForecastArtifact } from "./artifact.ts";
import { featureNames } from "./features.ts";
import { loadPredictor, type Predictions } from "./predictor.ts";
import { readForModel, warnOfShortSymbols } from "./prepare.ts";
import { cutSamples, outcomes, pickRows, type SampleSet } from "./samples.ts";
import type { PredictInput, Target } from "./schema.ts";

/** A quantity of each sample, by its name. */
interface Monitored {
  readonly name: string;
  readonly values: Float64Array;
}

/**
 * The newest row of the features of some samples, in double precision. Older rows are newer ones of other samples.
 *
 * @see `windowFeatures` for the definitions
 */
export function monitoredFeatures(set: SampleSet, samples: Int32Array): Monitored[] {
  const { frame, columns, windows, lookback, windowVolatility } = set;
  const place = (name: SampleSet["columns"][number]) => columns.indexOf(name);
  const [close, open, high, low, volume] = (["close", "open", "high", "low", "volume"] as const).map(place);
  const names = featureNames(columns);
  const values = names.map(() => new Float64Array(samples.length));
  samples.forEach((sample, i) => {
    const at = (bar: number, column: number) =>
      frame.values[(windows.starts[sample] + bar) * frame.features + column];
    const volatility = windowVolatility[sample];
    const row = [Math.log(at(lookback, close) / at(lookback - 1, close)) / volatility, Math.log(volatility)];
    if (names.length >= 4)
      row.push(
        Math.log(at(lookback, high) / at(lookback, low)) / volatility,
        Math.log(at(lookback, close) / at(lookback, open)) / volatility,
      );
    if (volume >= 0) {
      let sum = 0;
      for (let bar = 1; bar <= lookback; bar++) sum += Math.log(at(bar, volume) + 1);
      row.push(Math.log(at(lookback, volume) + 1) - sum / lookback);
    }
    row.forEach((value, feature) => {
      values[feature][i] = value;
    });
  });
  return names.map((name, feature) => ({ name, values: values[feature] }));
}

function monitoredScores({ forecast }: Predictions, horizons: readonly number[]): Monitored[] {
  return horizons.map((horizon, h) => ({
    name: `forecast at horizon ${horizon}`,
    values: Float64Array.from(
      { length: forecast.length / horizons.length },
      (_, i) => forecast[i * horizons.length + h],
    ),
  }));
}

/** The reference of a training: inputs that the model learned from, and forecasts of what it did not learn from. */
export function driftReferenceOf(
  set: SampleSet,
  { train, test }: Pick<Split, "train" | "test">,
  judged: Predictions,
): DriftReference {
  const sketches = (monitored: readonly Monitored[], samples: Int32Array) =>
    monitored.map(({ name, values }) => sketchOf(name, values, datesOf(set, samples)));
  return {
    format: "fathom-drift-reference",
    version: 1,
    features: sketches(monitoredFeatures(set, train), train),
    scores: sketches(monitoredScores(judged, set.horizons), test),
  };
}

/** A digest of everything that a test consists of: symbols, dates and outcomes. Models that share it were judged alike. */
export function testSetOf(set: SampleSet, samples: Int32Array, target: Target): string {
  const hash = createHash("sha256").update(JSON.stringify([target, set.horizons, set.frame.symbols]));
  hash.update(datesOf(set, samples)).update(samples.map((sample) => set.windows.symbol[sample]));
  return hash.update(pickRows(outcomes(set, target), set.horizons.length, samples)).digest("hex");
}

function datesOf({ windows }: SampleSet, samples: Int32Array): Float64Array {
  return Float64Array.from(samples, (sample) => windows.asOf[sample]);
}

export interface MonitorRequest extends PredictInput {
  /** First date to compare; by default the first that the model's data did not reach. */
  readonly since?: string | undefined;
}

export interface MonitoredModel {
  readonly artifact: string;
  readonly digest: string;
  readonly from: string;
  readonly to: string;
  readonly features: readonly DriftSample[];
  readonly scores: readonly DriftSample[];
}

/**
 * Later data beside a model's reference, ready to be compared.
 *
 * @throws PlatformError `DRIFT_REFERENCE_MISSING`, `FORECAST_NOTHING_NEW`, and those of reading model and data
 */
export async function monitor(input: MonitorRequest, context: Context): Promise<MonitoredModel> {
  const loaded = await openForecastArtifact(input.artifact, context.models);
  const { artifact, configuration, reference } = loaded;
  if (reference === null) {
    const message = `${input.artifact}: expected a model that keeps a reference of its data, found none`;
    throw new PlatformError("conflict", "DRIFT_REFERENCE_MISSING", message, { field: "artifact" });
  }
  const { lookback, horizon } = configuration.input;
  const prices = await readForModel(input, loaded, context);
  const set = cutSamples(prices, {
    lookback,
    horizons: horizon,
    columns: configuration.columns,
    which: "known",
  });
  warnOfShortSymbols(set, context.logger);
  const begin = input.since === undefined ? endOf(artifact.manifest.data.to) : startOfDay(input.since);
  const samples = Int32Array.from(set.windows.asOf.keys()).filter((i) => set.windows.asOf[i] >= begin);
  if (samples.length < leastSamples)
    throw new PlatformError(
      "input",
      "FORECAST_NOTHING_NEW",
      `${input.data}: expected at least ${leastSamples} samples from ${formatTime(begin)} on, received ${samples.length}; --since begins earlier`,
      { field: "since" },
    );
  const runtime = createRuntime({ ...context.compute, threads: 1 });
  try {
    const predictor = await loadPredictor(runtime, loaded.model, configuration.quantiles.length);
    const predictions = await predictor.predict(set, samples, context.signal);
    await predictor.release();
    const dates = datesOf(set, samples);
    const beside = (monitored: readonly Monitored[], sketches: DriftReference["features"]) =>
      sketches.map((sketch) => ({ reference: sketch, values: valuesOf(monitored, sketch.name), dates }));
    const sorted = dates.toSorted();
    return {
      artifact: input.artifact,
      digest: artifact.digest,
      from: formatTime(sorted[0]),
      to: formatTime(sorted[sorted.length - 1]),
      features: beside(monitoredFeatures(set, samples), reference.features),
      scores: beside(monitoredScores(predictions, horizon), reference.scores),
    };
  } finally {
    await runtime.close();
  }
}

/** Fewer say nothing, whatever the measure. */
const leastSamples = 20;

/** The first instant after a time as the manifest writes it: a date stands for its whole day. */
function endOf(time: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(time) ? startOfDay(time) + dayMs : Date.parse(time) + 1;
}

function valuesOf(monitored: readonly Monitored[], name: string): Float64Array {
  const found = monitored.find((one) => one.name === name);
  if (found) return found.values;
  const message = `reference.json: expected ${monitored.map((one) => one.name).join(", ")}, received ${JSON.stringify(name)}`;
  throw new PlatformError("conflict", "ARTIFACT_CORRUPT", message);
}
