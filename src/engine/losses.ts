/**
 * What training makes small. Each loss gives one number per sample, `[batch]`, so that a batch can weigh its samples; `weightedMean`
 * makes the scalar.
 */
import { PlatformError } from "../base/index.ts";
import {
  abs,
  add,
  broadcastTo,
  div,
  exp,
  logSoftmax,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  softplus,
  sub,
  sum,
} from "./operations.ts";
import { formatShape, mismatch, sameShape } from "./shape.ts";
import { constant, type Tensor } from "./tensor.ts";

/** From predictions and targets, `[batch, ...]` each, to one loss per sample, `[batch]`. */
export type Loss = (prediction: Tensor, target: Tensor) => Tensor;

/** Mean squared error: mean of `(prediction - target)²`. */
export const meanSquaredError: Loss = (prediction, target) => {
  const error = difference("meanSquaredError", prediction, target);
  return perSample(mul(error, error));
};

/** Mean absolute error: mean of `|prediction - target|`. */
export const meanAbsoluteError: Loss = (prediction, target) =>
  perSample(abs(difference("meanAbsoluteError", prediction, target)));

/** Squared near zero, linear beyond `delta` (Huber 1964): `½ e²` for `|e| <= delta`, else `delta (|e| - ½ delta)`. */
export function huber(delta = 1): Loss {
  if (!(delta > 0))
    throw new PlatformError("input", "MODEL_OPTION_INVALID", `huber: expected delta > 0, received ${delta}`);
  return (prediction, target) => {
    const size = abs(difference("huber", prediction, target));
    const inner = minimum(size, delta);
    return perSample(mul(inner, sub(size, mul(inner, 0.5))));
  };
}

/** Binary cross-entropy of logits against targets in [0, 1]: `-t log σ(x) - (1-t) log(1 - σ(x))`, without overflow. */
export const binaryCrossEntropy: Loss = (logits, target) => {
  sameSizes("binaryCrossEntropy", logits, target);
  return perSample(sub(softplus(logits), mul(logits, target))); // log(1 + eˣ) - t x
};

/** Categorical cross-entropy of logits `[batch, classes]` against shares `[batch, classes]` that add up to 1 (one-hot or soft). */
export const categoricalCrossEntropy: Loss = (logits, target) => {
  sameSizes("categoricalCrossEntropy", logits, target);
  return neg(sum(mul(target, logSoftmax(logits)), -1));
};

export interface CategoricalOptions {
  /** One weight per class; all 1 unless given. `balancedClassWeights` evens out rare and frequent classes. */
  readonly classWeights?: readonly number[];
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016), so that no logit has to grow without end. */
  readonly labelSmoothing?: number;
}

/**
 * Categorical cross-entropy with smoothed labels and weighted classes: `-Σ w ((1-s) t + s/K) log softmax(x)` over K classes.
 *
 * Shapes: logits and target `[batch, classes]`, as for `categoricalCrossEntropy`. A batch's mean is over its samples, whatever the
 * weights of their classes, as PyTorch's is for targets given as shares.
 */
export function weightedCategoricalCrossEntropy(options: CategoricalOptions): Loss {
  const { classWeights, labelSmoothing = 0 } = options;
  const where = "weightedCategoricalCrossEntropy";
  shareBelowOne(`${where}: labelSmoothing`, labelSmoothing);
  for (const weight of classWeights ?? []) notNegative(`${where}: classWeights`, weight);
  return (logits, target) => {
    sameSizes(where, logits, target);
    const classes = Number(logits.shape[logits.shape.length - 1]);
    if (classWeights && classWeights.length !== classes)
      throw mismatch(`${where}: expected ${classes} class weights, received ${classWeights.length}`);
    const smooth =
      labelSmoothing === 0 ? target : add(mul(target, 1 - labelSmoothing), labelSmoothing / classes);
    const weighted = classWeights
      ? mul(smooth, constant([...classWeights], [classes], logits.dtype))
      : smooth;
    return neg(sum(mul(weighted, logSoftmax(logits)), -1));
  };
}

export interface BinaryOptions {
  /** Weight of what is positive; 1 unless given. */
  readonly positiveWeight?: number;
  /** Share of the target that is moved to ½. */
  readonly labelSmoothing?: number;
}

/** Binary cross-entropy with smoothed labels and a weight for positives: `-w t log σ(x) - (1-t) log(1 - σ(x))`, t moved to `(1-s) t + s/2`. */
export function weightedBinaryCrossEntropy(options: BinaryOptions): Loss {
  const { positiveWeight = 1, labelSmoothing = 0 } = options;
  shareBelowOne("weightedBinaryCrossEntropy: labelSmoothing", labelSmoothing);
  notNegative("weightedBinaryCrossEntropy: positiveWeight", positiveWeight);
  return (logits, target) => {
    sameSizes("weightedBinaryCrossEntropy", logits, target);
    const smooth = labelSmoothing === 0 ? target : add(mul(target, 1 - labelSmoothing), labelSmoothing / 2);
    const positive = mul(mul(smooth, softplus(neg(logits))), positiveWeight); // -log σ(x) = log(1 + e⁻ˣ)
    return perSample(add(positive, mul(sub(1, smooth), softplus(logits))));
  };
}

/**
 * Focal loss (Lin et al. 2017) of logits against targets 0 and 1: binary cross-entropy times `(1 - p)^gamma`, p being the probability given
 * to what happened, so that what is already right counts little; times `alpha` for positives and `1 - alpha` for negatives.
 */
export function focalLoss({
  gamma = 2,
  alpha = 0.25,
}: {
  readonly gamma?: number;
  readonly alpha?: number;
} = {}): Loss {
  notNegative("focalLoss: gamma", gamma);
  if (!(alpha > 0 && alpha < 1)) throw invalid("focalLoss: alpha inside (0, 1)", alpha);
  return (logits, target) => {
    sameSizes("focalLoss", logits, target);
    // With z = x for positives and -x for negatives, 1 - p = σ(-z): as powers of e, so that nothing overflows and gamma may be a fraction.
    const surprise = (z: Tensor) => mul(exp(mul(softplus(z), -gamma)), softplus(neg(z)));
    const positive = mul(mul(target, alpha), surprise(logits));
    return perSample(add(positive, mul(mul(sub(1, target), 1 - alpha), surprise(neg(logits)))));
  };
}

/**
 * Several losses of the same prediction and target as one: their sum, each times its weight.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is none, or a weight is below 0
 */
export function mixedLoss(parts: readonly (readonly [loss: Loss, weight: number])[]): Loss {
  if (parts.length === 0) throw invalid("mixedLoss: at least one loss", "none");
  for (const [, weight] of parts) notNegative("mixedLoss: weights", weight);
  return (prediction, target) =>
    parts.map(([loss, weight]) => mul(loss(prediction, target), weight)).reduce((a, b) => add(a, b));
}

/**
 * Weights that let every class count the same in total: `samples / (classes · count)`, scikit-learn's "balanced". A class that does not
 * occur has the weight 0.
 *
 * @param labels class numbers from 0
 * @example
 * balancedClassWeights([0, 0, 0, 1], 2); // => [0.6666666666666666, 2]
 */
export function balancedClassWeights(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of Array.from(labels)) {
    if (!(Number.isInteger(label) && label >= 0 && label < classes))
      throw invalid(`balancedClassWeights: class numbers of 0 to ${classes - 1}`, label);
    counts[label]++;
  }
  return counts.map((count) => (count === 0 ? 0 : labels.length / (classes * count)));
}

/**
 * Pinball (quantile) loss (Koenker and Bassett 1978): `max(q (t - p), (q - 1)(t - p))`, mean over quantiles and everything else.
 *
 * Shapes: prediction `[batch, ..., quantiles]`, target `[batch, ..., 1]`, which is compared with every quantile.
 */
export function pinball(quantiles: readonly number[]): Loss {
  if (quantiles.length === 0)
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      "pinball: expected at least one quantile, received none",
    );
  for (const q of quantiles) {
    if (!(q > 0 && q < 1))
      throw new PlatformError(
        "input",
        "MODEL_OPTION_INVALID",
        `pinball: expected quantiles inside (0, 1), received ${q}`,
      );
  }
  return (prediction, target) => {
    if (prediction.shape[prediction.shape.length - 1] !== quantiles.length) {
      throw mismatch(
        `pinball: expected ${quantiles.length} quantiles in the last axis, received ${formatShape(prediction.shape)}`,
      );
    }
    const expected = [...prediction.shape.slice(0, -1), 1];
    if (!sameShape(target.shape, expected)) {
      throw mismatch(
        `pinball: expected a target of shape ${formatShape(expected)} for ${formatShape(prediction.shape)}, received ${formatShape(target.shape)}`,
      );
    }
    const error = sub(target, prediction);
    const level = constant([...quantiles], [quantiles.length], prediction.dtype);
    return perSample(maximum(mul(level, error), mul(sub(level, 1), error)));
  };
}

/**
 * `Σ weight · loss / Σ weight` over the batch: a scalar, for weights of 0 or more. A sample of weight 0 does not count, and a batch in
 * which none counts has the loss 0 and the gradient 0. The sum of the weights is taken for 1e-12 where it is less: loss and gradient of so
 * small weights shrink with them, in each shard by the sum of its own, so that there shards and a whole batch differ.
 */
export function weightedMean(losses: Tensor, weights: Tensor): Tensor {
  const total = sum(broadcastTo(weights, losses.shape));
  // Each sample's share first: then the gradient by a sample's loss is its share, with nothing left to compute.
  const shares = div(weights, maximum(total, 1e-12));
  return sum(mul(losses, shares));
}

function shareBelowOne(what: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw invalid(`${what} in [0, 1)`, value);
}

function notNegative(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) throw invalid(`${what} of 0 or more`, value);
}

function invalid(expected: string, received: unknown): PlatformError {
  const [where, what] = expected.split(": ");
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `${where}: expected ${what}, received ${received}`,
  );
}

function difference(name: string, prediction: Tensor, target: Tensor): Tensor {
  sameSizes(name, prediction, target);
  return sub(prediction, target);
}

function sameSizes(name: string, prediction: Tensor, target: Tensor): void {
  if (!sameShape(prediction.shape, target.shape)) {
    throw mismatch(
      `${name}: expected prediction and target of one shape, received ${formatShape(prediction.shape)} and ${formatShape(target.shape)}`,
    );
  }
}

function perSample(values: Tensor): Tensor {
  const axes = values.shape.map((_, axis) => axis).slice(1);
  return mean(values, axes);
}
