import { type Key, normalQuantile, PlatformError } from "../../base/index.ts";
import { add, concat, cumulativeSum, slice, softplus } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import { constant, type Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";
import { Linear } from "./linear.ts";

/**
 * Raw numbers as quantiles that cannot cross: the first as it is, each next one above the one before by a softplus step. Raw numbers
 * of zero are the quantiles of the standard normal distribution, a good start for a normalised target.
 *
 * Shapes: raw and result `[..., levels]`.
 *
 * @param levels inside (0, 1), ascending
 * @throws PlatformError `MODEL_OPTION_INVALID` when the levels are not such, `SHAPE_MISMATCH` when raw has not one number for each
 */
export function ascendingQuantiles(raw: Tensor, levels: readonly number[]): Tensor {
  if (levels.length === 0 || levels.some((q, i) => !(q > (levels[i - 1] ?? 0) && q < 1))) {
    const message = `quantiles: expected ascending levels inside (0, 1), received [${levels.join(", ")}]`;
    throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
  }
  if (raw.shape[raw.shape.length - 1] !== levels.length) {
    const last = `${levels.length} numbers in the last axis`;
    throw mismatch(`quantiles: expected ${last}, received ${formatShape(raw.shape)}`);
  }
  const numbers = (values: readonly number[]) => constant(values, [values.length], raw.dtype);
  const normal = levels.map(normalQuantile);
  const first = add(slice(raw, -1, 0, 1), numbers([normal[0]]));
  if (levels.length === 1) return first;
  // softplus(log(eᵍ - 1)) = g, the gap between two normal quantiles.
  const offsets = normal.slice(1).map((q, i) => Math.log(Math.expm1(q - normal[i])));
  const steps = softplus(add(slice(raw, -1, 1), numbers(offsets)));
  return cumulativeSum(concat([first, steps], -1), -1);
}

/**
 * Quantiles of an outcome, in order whatever the weights are. Learned with `pinball`.
 *
 * Shapes: x `[..., in]`, y `[..., levels]`.
 */
export class QuantileHead implements Layer {
  readonly linear: Linear;
  readonly levels: readonly number[];

  /** @throws PlatformError `MODEL_OPTION_INVALID` when the levels are not ascending inside (0, 1) */
  constructor(inFeatures: number, levels: readonly number[], key: Key) {
    this.linear = new Linear(inFeatures, levels.length, key);
    this.levels = levels;
  }

  apply(x: Tensor): Tensor {
    return ascendingQuantiles(this.linear.apply(x), this.levels);
  }
}
