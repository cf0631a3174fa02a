/**
 * What training makes small. Each loss gives one number per sample, `[batch]`, so that a batch can weigh its samples; `weightedMean`
 * makes the scalar.
 */
import { PlatformError } from "../base/index.ts";
import {
  abs,
  broadcastTo,
  div,
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

/** `Σ weight · loss / Σ weight` over the batch: a scalar. A sample of weight 0 does not count. */
export function weightedMean(losses: Tensor, weights: Tensor): Tensor {
  return div(sum(mul(losses, weights)), sum(broadcastTo(weights, losses.shape)));
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
