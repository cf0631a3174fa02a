import { foldIn, type Key } from "../../base/index.ts";
import { conv } from "../convolution.ts";
import { add, div, mul, relu, sqrt, square, sum } from "../operations.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";
import { Conv1d } from "./convolution.ts";
import { Dropout } from "./dropout.ts";
import { inference, type Layer, type Pass } from "./layer.ts";

export interface TemporalBlockOptions {
  readonly kernel: number;
  /** Steps between the places of the kernel; doubled from block to block, so that a few blocks see far back. */
  readonly dilation: number;
  readonly dropout?: number;
  /** The first of the block's salts; a block uses two. */
  readonly salt?: number;
}

/** A dilated convolution of the past only, whose weights are learned as direction and length (Salimans and Kingma 2016). */
class CausalConvolution implements Layer {
  readonly direction: Parameter;
  /** `[out, 1, 1]`. */
  readonly length: Parameter;
  readonly bias: Parameter;
  readonly dilation: number;

  constructor(inChannels: number, outChannels: number, { kernel, dilation }: TemporalBlockOptions, key: Key) {
    const { weight, bias } = new Conv1d(inChannels, outChannels, kernel, {}, key);
    this.direction = weight;
    this.bias = bias!;
    const size = weight.value.length / outChannels;
    const length = Float32Array.from({ length: outChannels }, (_, row) =>
      Math.hypot(...weight.value.subarray(row * size, (row + 1) * size)),
    );
    this.length = parameter({ shape: [outChannels, 1, 1], data: length });
    this.dilation = dilation;
  }

  apply(x: Tensor): Tensor {
    const size = sqrt(sum(square(this.direction), [1, 2], { keepDims: true }));
    const weight = mul(this.direction, div(this.length, size));
    return conv(x, weight, { bias: this.bias, padding: "causal", dilation: this.dilation });
  }
}

/**
 * The residual block of a temporal convolutional network (Bai, Kolter and Koltun 2018): twice a causal, dilated convolution with
 * weight normalisation, relu and dropout; what went in is added, through a 1x1 convolution where the channels differ, and relu.
 *
 * Shapes: x `[batch, in, time]`, y `[batch, out, time]`. A step of y sees `1 + 2 dilation (kernel - 1)` steps of x, itself the last.
 */
export class TemporalBlock implements Layer {
  readonly first: Layer;
  readonly second: Layer;
  readonly shortcut: Conv1d | null;
  readonly dropouts: readonly [Dropout, Dropout];

  constructor(inChannels: number, outChannels: number, options: TemporalBlockOptions, key: Key) {
    const { dropout = 0, salt = 0 } = options;
    this.first = new CausalConvolution(inChannels, outChannels, options, foldIn(key, "first"));
    this.second = new CausalConvolution(outChannels, outChannels, options, foldIn(key, "second"));
    this.shortcut =
      inChannels === outChannels ? null : new Conv1d(inChannels, outChannels, 1, {}, foldIn(key, "shortcut"));
    this.dropouts = [new Dropout(dropout, salt), new Dropout(dropout, salt + 1)];
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const [one, two] = this.dropouts;
    const hidden = one.apply(relu(this.first.apply(x)), pass);
    const added = two.apply(relu(this.second.apply(hidden)), pass);
    return relu(add(added, this.shortcut?.apply(x) ?? x));
  }
}
