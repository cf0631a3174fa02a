import { PlatformError } from "../../base/index.ts";
import { fitScaler } from "../../data/index.ts";
import { input, type Runtime, toOnnx, traceGraph } from "../../engine/index.ts";
import { type FeatureScaling, featureNames, windowFeatures } from "./features.ts";
import { gatherWindows, type Normalisation, standardOutcomes, windowData } from "./forecaster.ts";
import { pickRows, type SampleSet } from "./samples.ts";
import type { Target } from "./schema.ts";

/** At most so many training windows are looked at; more would not move the means. */
const windowLimit = 4096;

/** Fits the normalisation of features and outcomes on the training samples, and on nothing else. */
export async function fitNormalisation(
  set: SampleSet,
  train: Int32Array,
  target: Target,
  runtime: Runtime,
): Promise<Normalisation> {
  return { features: await fitFeatures(set, train, runtime), outcome: fitOutcomes(set, train, target) };
}

async function fitFeatures(set: SampleSet, train: Int32Array, runtime: Runtime): Promise<FeatureScaling> {
  const every = Math.max(1, Math.ceil(train.length / windowLimit));
  const chosen = train.filter((_, i) => i % every === 0);
  const count = featureNames(set.columns).length;
  const values = await rawFeatures(set, chosen, runtime);
  const { center, scale } = fitScaler("standard", values, chosen.length * set.lookback, count);
  return { center: [...center], scale: [...scale] };
}

async function rawFeatures(set: SampleSet, samples: Int32Array, runtime: Runtime): Promise<Float32Array> {
  const values = windowData(set);
  const data = {
    prices: input("prices", values.prices.shape),
    start: input("start", values.start.shape, "int64"),
  };
  const indices = input("indices", [samples.length], "int64");
  const { features } = windowFeatures(gatherWindows(data, indices, set.lookback), set.columns);
  const session = await runtime.load(toOnnx(traceGraph({ features })));
  const { outputs } = await session.run({
    feeds: {
      ...values,
      indices: { dtype: "int64", shape: [samples.length], data: BigInt64Array.from(samples, BigInt) },
    },
    fetch: ["features"],
  });
  await session.release();
  return outputs.features.data as Float32Array;
}

function fitOutcomes(set: SampleSet, train: Int32Array, target: Target): FeatureScaling {
  const width = set.horizons.length;
  if (target === "direction") return { center: set.horizons.map(() => 0), scale: set.horizons.map(() => 1) };
  const values = pickRows(standardOutcomes(set, target), width, train);
  if (values.every((value) => value === values[0])) {
    throw new PlatformError(
      "input",
      "FORECAST_NOTHING_MOVES",
      "training prices: expected prices that move, received one price throughout",
    );
  }
  const { center, scale } = fitScaler("standard", values, train.length, width);
  return { center: [...center], scale: [...scale] };
}
