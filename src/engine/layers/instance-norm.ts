import { filled } from "../initialisers.ts";
import { add, div, mean, mul, sqrt, sub, variance } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";

/** A window without its level and size, and how to give them back to what was made of it. */
export interface NormalizedWindow {
  /** `[batch, channels, time]`. */
  readonly normalized: Tensor;
  /** From forecasts `[batch, channels, steps]` in normalised units to the channel's own. */
  restore(forecast: Tensor): Tensor;
}

/**
 * Reversible instance normalisation, RevIN (Kim et al. 2022): each channel of each window loses its own mean and deviation on the way
 * in and gets them back on the way out, so that a network sees the shape of a window and not its level.
 *
 * Shapes: x `[batch, channels, time]`; with `affine`, a learned scale and shift `[channels, 1]`.
 */
export class ReversibleInstanceNorm {
  readonly scale: Parameter | null;
  readonly shift: Parameter | null;
  readonly epsilon: number;

  constructor(
    channels: number,
    { affine = true, epsilon = 1e-5 }: { readonly affine?: boolean; readonly epsilon?: number } = {},
  ) {
    this.scale = affine ? parameter(filled([channels, 1], 1)) : null;
    this.shift = affine ? parameter(filled([channels, 1], 0)) : null;
    this.epsilon = epsilon;
  }

  normalize(x: Tensor): NormalizedWindow {
    if (x.shape.length !== 3 || (this.scale && x.shape[1] !== this.scale.shape[0])) {
      const channels = this.scale ? this.scale.shape[0] : "channels";
      throw mismatch(
        `instance norm: expected x [batch, ${channels}, time], received ${formatShape(x.shape)}`,
      );
    }
    const average = mean(x, 2, { keepDims: true });
    const deviation = sqrt(add(variance(x, 2, { keepDims: true }), this.epsilon));
    const standard = div(sub(x, average), deviation);
    const { scale, shift, epsilon } = this;
    if (!scale || !shift) {
      return { normalized: standard, restore: (forecast) => add(mul(forecast, deviation), average) };
    }
    return {
      normalized: add(mul(standard, scale), shift),
      // A scale that learning brings to 0 is kept from dividing by it, as in the authors' code.
      restore: (forecast) =>
        add(mul(div(sub(forecast, shift), add(scale, epsilon ** 2)), deviation), average),
    };
  }
}
