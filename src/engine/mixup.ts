import { PlatformError, studentTCdf } from "../base/index.ts";
import { add, cast, concat, gather, mul, randomUniform, reshape, slice, sub } from "./operations.ts";
import { formatShape, mismatch } from "./shape.ts";
import { constant, type Tensor } from "./tensor.ts";
import type { BatchTensors } from "./training/program.ts";

/** Mixes the rows of a tensor `[batch, ...]`, all tensors of one batch alike. */
export type Mixup = (rows: Tensor) => Tensor;

/**
 * Mixup (Zhang et al. 2018): sample i of a batch becomes `λᵢ xᵢ + (1-λᵢ) xᵢ₊₁`, its target likewise, so that the model behaves evenly
 * between samples. The partner is the next of the batch, whose order is random in every epoch; after the last comes the first.
 *
 * λ is drawn for each sample from Beta(alpha, alpha), in the graph and from the seed of the step, so that a resumed training draws what an
 * uninterrupted one does: one of 1024 equally likely levels, the distribution's quantiles at (i + ½) / 1024. In a batch of several shards
 * the partner is of the same shard. Nothing is mixed in inference.
 *
 * Mix inputs and targets, and train on the mixed ones: `loss(model(mix(x)), mix(y))`, with y one-hot for classes.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when `alpha` is not above 0
 */
export function mixup(
  { pass, indices }: Pick<BatchTensors, "pass" | "indices">,
  { alpha = 0.2, salt = 0x6d69 }: { readonly alpha?: number; readonly salt?: number } = {},
): Mixup {
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `mixup: expected alpha above 0, received ${alpha}`,
    );
  const [batch] = indices.shape;
  if (pass.mode !== "training" || pass.seed === null || batch === 1) return (rows) => rows;
  if (typeof batch !== "number")
    throw mismatch(`mixup: expected a batch of fixed size, received ${formatShape(indices.shape)}`);
  const place = cast(mul(randomUniform(pass.seed, [batch], salt), levels), "int64");
  const lambda = gather(constant(betaLevels(alpha)), place); // [batch]
  return (rows) => {
    if (rows.shape[0] !== batch)
      throw mismatch(`mixup: expected rows of a batch of ${batch}, received ${formatShape(rows.shape)}`);
    const share = cast(reshape(lambda, [batch, ...rows.shape.slice(1).map(() => 1)]), rows.dtype);
    const next = concat([slice(rows, 0, 1), slice(rows, 0, 0, 1)], 0);
    return add(mul(rows, share), mul(next, sub(1, share)));
  };
}

const levels = 1024;

/**
 * Quantiles of Beta(alpha, alpha), ascending.
 *
 * With T of Student's distribution with `2 alpha` degrees of freedom, `½ + ½ T / √(2 alpha + T²)` has this distribution (Jones 2002); at
 * `σ(z)` that is `T = √(2 alpha) sinh(z / 2)`. The lower half is found by bisection in z, and the upper half mirrors it.
 */
function betaLevels(alpha: number): Float32Array {
  const lower = Float64Array.from({ length: levels / 2 }, (_, i) => {
    const wanted = (i + 0.5) / levels;
    let [low, high] = [-1400, 0]; // sinh(700) is the largest that a number can hold
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      const t = Math.sqrt(2 * alpha) * Math.sinh(middle / 2);
      if (studentTCdf(t, 2 * alpha) < wanted) low = middle;
      else high = middle;
    }
    return 1 / (1 + Math.exp(-(low + high) / 2));
  });
  return Float32Array.from({ length: levels }, (_, i) =>
    i < levels / 2 ? lower[i] : 1 - lower[levels - 1 - i],
  );
}
