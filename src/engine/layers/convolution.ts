import { type Key, PlatformError, splitKey } from "../../base/index.ts";
import { type ConvOptions, conv, type PerAxis } from "../convolution.ts";
import { uniformArray } from "../initialisers.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";

export interface ConvLayerOptions extends Omit<ConvOptions, "bias"> {
  /** Without a bias before a normalisation, which would take it away again. */
  readonly bias?: boolean;
}

/** The common part: a kernel over `axes` spatial axes. */
abstract class Conv implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: Omit<ConvOptions, "bias">;

  constructor(
    axes: number,
    inChannels: number,
    outChannels: number,
    kernel: PerAxis,
    { bias = true, ...options }: ConvLayerOptions,
    key: Key,
  ) {
    const groups = options.groups ?? 1;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      const message = `convolution: expected groups that divide ${inChannels} and ${outChannels} channels, received ${groups}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    const sizes = typeof kernel === "number" ? Array.from({ length: axes }, () => kernel) : kernel;
    const shape = [outChannels, inChannels / groups, ...sizes];
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const [weightKey, biasKey] = splitKey(key);
    this.weight = parameter(uniformArray(weightKey, shape, -bound, bound));
    this.bias = bias ? parameter(uniformArray(biasKey, [outChannels], -bound, bound)) : null;
    this.options = options;
  }

  apply(x: Tensor): Tensor {
    return conv(x, this.weight, { ...this.options, ...(this.bias ? { bias: this.bias } : {}) });
  }
}

/**
 * Convolution over time.
 *
 * Shapes: x `[batch, in, time]`, weight `[out, in / groups, kernel]`, bias `[out]`, y `[batch, out, time']`.
 * Initial values are uniform in ±1/√(in / groups · kernel), PyTorch's default.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when the groups do not divide the channels
 */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernel: number, options: ConvLayerOptions, key: Key) {
    super(1, inChannels, outChannels, kernel, options, key);
  }
}

/**
 * Convolution over images.
 *
 * Shapes: x `[batch, in, height, width]`, weight `[out, in / groups, ...kernel]`, bias `[out]`, y `[batch, out, height', width']`.
 * Initial values and errors are those of `Conv1d`.
 */
export class Conv2d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number | readonly [number, number],
    options: ConvLayerOptions,
    key: Key,
  ) {
    super(2, inChannels, outChannels, kernel, options, key);
  }
}
