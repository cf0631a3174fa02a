/**
 * A forecasting model: features, network and outputs, traced three times over: for training, for judging on validation data, and
 * as the ONNX graph that is deployed. Normalisation and its inverse are in the graph, so raw prices go in and forecasts in the
 * target's own unit come out.
 */
import { foldIn, type Key } from "../../base/index.ts";
import type { PriceColumn } from "../../data/index.ts";
import {
  add,
  ascendingQuantiles,
  type BatchTensors,
  binaryCrossEntropy,
  constant,
  exp,
  gather,
  huber,
  inference,
  inferenceOpset,
  input,
  type Layer,
  type Loss,
  maximum,
  meanAbsoluteError,
  meanSquaredError,
  mul,
  type NamedParameter,
  type Pass,
  parametersOf,
  pinball,
  reshape,
  sigmoid,
  slice,
  sub,
  type Tensor,
  type TensorValue,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "../../engine/index.ts";
import { type NetworkName, type NetworkSizes, network } from "../../models/index.ts";
import { type FeatureScaling, featureNames, normalize, windowFeatures } from "./features.ts";
import { outcomes, type SampleSet } from "./samples.ts";
import type { Target } from "./schema.ts";

/** Everything that fixes the shape of a model; stored in the manifest, so that a refit can build the same one. */
export interface ForecasterSpec {
  readonly target: Target;
  readonly columns: readonly PriceColumn[];
  readonly lookback: number;
  readonly horizons: readonly number[];
  /** Ascending; empty for a point forecast only, and always for directions. */
  readonly quantiles: readonly number[];
  readonly network: NetworkName;
  readonly sizes: NetworkSizes;
  readonly loss: "mse" | "mae" | "huber";
}

/** What was fitted on the training part before the network was. */
export interface Normalisation {
  readonly features: FeatureScaling;
  /** Per horizon. */
  readonly outcome: FeatureScaling;
}

/** A point forecast `[batch, horizons]` and its quantiles `[batch, horizons, levels]`. */
interface Outputs {
  readonly forecast: Tensor;
  readonly quantiles: Tensor | null;
}

export interface ExportOptions {
  readonly shrinkage?: readonly number[];
  readonly units?: "raw" | "normalised";
}

const losses: Record<ForecasterSpec["loss"], Loss> = {
  mse: meanSquaredError,
  mae: meanAbsoluteError,
  huber: huber(1),
};

export class Forecaster {
  readonly spec: ForecasterSpec;
  readonly normalisation: Normalisation;
  readonly parameters: readonly NamedParameter[];
  readonly #network: Layer;

  constructor(spec: ForecasterSpec, normalisation: Normalisation, key: Key) {
    this.spec = spec;
    this.normalisation = normalisation;
    const features = featureNames(spec.columns).length;
    const outputs = spec.horizons.length * (1 + spec.quantiles.length);
    this.#network = network(
      spec.network,
      { lookback: spec.lookback, features, outputs, ...spec.sizes },
      foldIn(key, "network"),
    );
    this.parameters = parametersOf(this.#network);
  }

  /** The scalar that training makes small: the loss of the point forecast, plus the pinball loss of the quantiles. */
  loss({ data, indices, weights, pass }: BatchTensors): Tensor {
    const { columns, quantiles, target, loss } = this.spec;
    const windows = windowFeatures(gatherWindows(data, indices, this.spec.lookback), columns);
    const wanted = gather(data.targets, indices); // [batch, horizons]
    const answer = this.#answer(windows.features, pass);
    const point = target === "direction" ? binaryCrossEntropy : losses[loss];
    const pointLoss = point(answer.forecast, wanted);
    if (!answer.quantiles) return weightedMean(pointLoss, weights);
    const spread = pinball(quantiles)(answer.quantiles, reshape(wanted, [...wanted.shape, 1]));
    return weightedMean(add(pointLoss, spread), weights);
  }

  /** The data set of a training, as the graph gathers from it. */
  data(set: SampleSet): Record<string, TensorValue> {
    const targets = standardOutcomes(set, this.spec.target);
    const { center, scale } = this.normalisation.outcome;
    const width = set.horizons.length;
    return {
      ...windowData(set),
      targets: {
        dtype: "float32",
        shape: [set.windows.starts.length, width],
        data: Float32Array.from(targets, (value, i) => (value - center[i % width]) / scale[i % width]),
      },
    };
  }

  /**
   * The model as ONNX: `prices` `[batch, lookback + 1, columns]` in, `forecast` and `quantiles` out, all raw; or out in normalised
   * units, for fitting the shrinkage.
   *
   * @param shrinkage per horizon: what the point forecast is multiplied by, in normalised units
   */
  export(packed: Float32Array, { shrinkage, units = "raw" }: ExportOptions = {}): Uint8Array {
    const { lookback, columns, target, horizons, quantiles } = this.spec;
    const prices = input("prices", ["batch", lookback + 1, columns.length]);
    const { features, volatility, lastClose } = windowFeatures(prices, columns);
    const { forecast: full, quantiles: wide } = this.#answer(features, inference);
    const forecast = shrinkage ? mul(full, constant([...shrinkage])) : full;
    // The quantiles move with the forecast: a network that is not believed in its middle is not believed in its bands' middle.
    const moved = reshape(sub(forecast, full), [...full.shape, 1]);
    const levels = wide && shrinkage ? add(wide, moved) : wide;
    const outcome = (answer: Tensor, rank: 2 | 3) =>
      units === "raw" ? this.#toOutcome(answer, volatility, lastClose, rank) : answer;
    const outputs: Record<string, Tensor> = { forecast: outcome(forecast, 2) };
    if (levels) outputs["quantiles"] = outcome(levels, 3);
    const unpacked = unpackParameters(this.parameters, packed);
    return toOnnx(traceGraph(outputs), {
      opset: inferenceOpset,
      name: "fathom_forecast",
      description: `Forecast of ${target} at ${horizons.join(", ")} bars from ${lookback + 1} raw bars`,
      parameterNames: new Map(unpacked.map(({ parameter, name }) => [parameter, name])),
      parameterValues: new Map(unpacked.map(({ parameter, values }) => [parameter, values])),
      metadata: {
        target,
        columns: columns.join(","),
        lookback: String(lookback),
        horizons: horizons.join(","),
        quantiles: quantiles.join(","),
      },
    });
  }

  /** What the network says in normalised units. */
  #answer(raw: Tensor, pass: Pass): Outputs {
    const { horizons, quantiles } = this.spec;
    const { center, scale } = this.normalisation.features;
    const features = normalize(raw, constant([...center]), constant([...scale]));
    const [batch] = features.shape;
    const answer = reshape(this.#network.apply(features, pass), [
      batch,
      horizons.length,
      1 + quantiles.length,
    ]);
    const forecast = reshape(slice(answer, 2, 0, 1), [batch, horizons.length]);
    if (quantiles.length === 0) return { forecast, quantiles: null };
    return { forecast, quantiles: ascendingQuantiles(slice(answer, 2, 1), quantiles) };
  }

  /** From normalised units to the target's own; increasing in the answer, so quantiles stay in order. */
  #toOutcome(answer: Tensor, volatility: Tensor, lastClose: Tensor, rank: 2 | 3): Tensor {
    const { target, horizons } = this.spec;
    if (target === "direction") return sigmoid(answer);
    const perHorizon = (values: readonly number[]) =>
      constant([...values], rank === 2 ? [values.length] : [values.length, 1]);
    const perSample = (x: Tensor) => (rank === 2 ? x : reshape(x, [...x.shape, 1]));
    const { center, scale } = this.normalisation.outcome;
    const standard = add(mul(answer, perHorizon(scale)), perHorizon(center));
    if (target === "volatility") return mul(maximum(standard, 0), perSample(volatility));
    const logReturn = mul(mul(standard, perHorizon(horizons.map(Math.sqrt))), perSample(volatility));
    if (target === "return") return sub(exp(logReturn), 1);
    return target === "level" ? mul(exp(logReturn), perSample(lastClose)) : logReturn;
  }
}

/** Prices and places of windows, as `gatherWindows` reads them. */
export function windowData({ frame, windows }: SampleSet): Record<"prices" | "start", TensorValue> {
  return {
    prices: { dtype: "float32", shape: [frame.rows, frame.features], data: frame.values },
    start: {
      dtype: "int64",
      shape: [windows.starts.length],
      data: BigInt64Array.from(windows.starts, BigInt),
    },
  };
}

/** Windows `[batch, lookback + 1, columns]` of the samples of a batch. */
export function gatherWindows(data: BatchTensors["data"], indices: Tensor, lookback: number): Tensor {
  const steps = constant(
    Array.from({ length: lookback + 1 }, (_, i) => i),
    [1, lookback + 1],
    "int64",
  );
  const starts = reshape(gather(data.start, indices), [indices.shape[0], 1]);
  return gather(data.prices, add(starts, steps));
}

/** Largest outcome to learn from, in volatilities of the window: a stock's worst day is one of about 20. */
const largestOutcome = 20;

/**
 * Outcomes in the units in which all symbols and times look alike, `[samples, horizons]`: returns by the window's volatility and the
 * root of the horizon, future volatility by the window's. A level is learnt as the return that leads to it.
 *
 * What follows a window without movement, such as that of a pegged currency, would be thousands of its volatilities and drown all
 * other samples; it is cut at ±20. Only learning sees these numbers: models are judged by the outcomes as they were.
 */
export function standardOutcomes(set: SampleSet, target: Target): Float64Array {
  const width = set.horizons.length;
  const volatility = (i: number) => set.windowVolatility[Math.floor(i / width)];
  const cut = (value: number) => Math.max(-largestOutcome, Math.min(largestOutcome, value)); // NaN stays NaN
  if (target === "direction") return outcomes(set, target);
  if (target === "volatility") return set.futureVolatility.map((value, i) => cut(value / volatility(i)));
  return set.logReturn.map((value, i) => cut(value / (volatility(i) * Math.sqrt(set.horizons[i % width]))));
}
