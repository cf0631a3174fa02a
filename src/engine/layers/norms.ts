/** Normalisations beside layer norm: over the batch, over groups of channels, and by size alone. */
import { PlatformError } from "../../base/index.ts";
import { filled } from "../initialisers.ts";
import {
  add,
  div,
  layerNormalize,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  stopGradient,
  sub,
} from "../operations.ts";
import { formatShape, isStatic, mismatch, type Shape, staticSize } from "../shape.ts";
import { constant, type Parameter, parameter, statistic, type Tensor } from "../tensor.ts";
import { inference, type Layer, type Pass, requireFeatures } from "./layer.ts";

/**
 * Normalises every channel over batch and positions (Ioffe and Szegedy 2015). In training with the batch's own mean and variance, of
 * which running means are kept; in inference with those.
 *
 * Shapes: x and y `[batch, channels]` or `[batch, channels, ...spatial]`; scale, shift and statistics `[channels]`. As in PyTorch, a
 * batch moves the running values by `momentum`, and the running variance is the unbiased one. Where a training step is cut into
 * shards, each shard normalises by itself and the running values move by the shards' mean.
 */
export class BatchNorm implements Layer {
  readonly scale: Parameter;
  readonly shift: Parameter;
  readonly runningMean: Parameter;
  readonly runningVariance: Parameter;
  readonly momentum: number;
  readonly epsilon: number;

  constructor(
    channels: number,
    { momentum = 0.1, epsilon = 1e-5 }: { readonly momentum?: number; readonly epsilon?: number } = {},
  ) {
    this.scale = parameter(filled([channels], 1));
    this.shift = parameter(filled([channels], 0));
    this.runningMean = statistic(filled([channels], 0));
    this.runningVariance = statistic(filled([channels], 1));
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  apply(x: Tensor, { mode, track }: Pass = inference): Tensor {
    const [channels] = this.scale.shape;
    requireChannels("batch norm", x, Number(channels));
    const column: Shape = [1, channels, ...x.shape.slice(2).map(() => 1)];
    const over = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const affine = (average: Tensor, variance: Tensor) => {
      // One factor and one shift per channel, so that x is passed over twice instead of four times.
      const factor = div(reshape(this.scale, column), sqrt(add(variance, this.epsilon)));
      return add(mul(x, factor), sub(reshape(this.shift, column), mul(average, factor)));
    };
    if (mode === "inference") {
      return affine(reshape(this.runningMean, column), reshape(this.runningVariance, column));
    }
    const average = mean(x, over, { keepDims: true });
    const variance = mean(square(sub(x, average)), over, { keepDims: true });
    if (track) {
      const counted = over.map((axis) => x.shape[axis]);
      const count = isStatic(counted) ? staticSize(counted) : 1;
      const unbiased = count > 1 ? count / (count - 1) : 1;
      const moved = (kept: Parameter, seen: Tensor, factor: number) =>
        add(
          mul(kept, 1 - this.momentum),
          mul(stopGradient(reshape(seen, kept.shape)), this.momentum * factor),
        );
      track(this.runningMean, moved(this.runningMean, average, 1));
      track(this.runningVariance, moved(this.runningVariance, variance, unbiased));
    }
    return affine(average, variance);
  }
}

/**
 * Normalises groups of channels over all positions, each sample by itself (Wu and He 2018). One group is layer norm over a whole
 * sample; as many groups as channels is instance norm.
 *
 * Shapes: x and y `[batch, channels, ...spatial]`, scale and shift `[channels]`.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when the groups do not divide the channels
 */
export class GroupNorm implements Layer {
  readonly scale: Parameter;
  readonly shift: Parameter;
  readonly groups: number;
  readonly epsilon: number;

  constructor(groups: number, channels: number, { epsilon = 1e-5 }: { readonly epsilon?: number } = {}) {
    if (!(Number.isSafeInteger(groups) && groups >= 1 && channels % groups === 0)) {
      const message = `group norm: expected groups that divide ${channels} channels, received ${groups}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    this.scale = parameter(filled([channels], 1));
    this.shift = parameter(filled([channels], 0));
    this.groups = groups;
    this.epsilon = epsilon;
  }

  apply(x: Tensor): Tensor {
    const [channels] = this.scale.shape;
    requireChannels("group norm", x, Number(channels));
    const size = (Number(channels) / this.groups) * staticSize(x.shape.slice(2));
    const [ones, zeros] = [1, 0].map((value) => constant(filled([size], value).data, [size]));
    const rows = reshape(x, [x.shape[0], this.groups, size]);
    const normalized = reshape(layerNormalize(rows, ones, zeros, this.epsilon), x.shape);
    const column: Shape = [1, channels, ...x.shape.slice(2).map(() => 1)];
    return add(mul(normalized, reshape(this.scale, column)), reshape(this.shift, column));
  }
}

/**
 * Divides by the root of the mean square over the last axis, then scales (Zhang and Sennrich 2019): layer norm without the mean.
 *
 * Shapes: x and y `[..., features]`, scale `[features]`.
 */
export class RmsNorm implements Layer {
  readonly scale: Parameter;
  readonly epsilon: number;

  constructor(features: number, { epsilon = 1e-6 }: { readonly epsilon?: number } = {}) {
    this.scale = parameter(filled([features], 1));
    this.epsilon = epsilon;
  }

  apply(x: Tensor): Tensor {
    requireFeatures("RMS norm", x, this.scale);
    const size = sqrt(add(mean(square(x), -1, { keepDims: true }), this.epsilon));
    return mul(div(x, size), this.scale);
  }
}

function requireChannels(where: string, { shape }: Tensor, channels: number): void {
  if (shape.length < 2 || shape[1] !== channels) {
    throw mismatch(`${where}: expected x [batch, ${channels}, ...], received ${formatShape(shape)}`);
  }
}
